package example;

import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyChannelBuilder;
import io.grpc.protobuf.StatusProto;
import java.util.Arrays;
import ratatouille.v1.Averaging.AverageRequest;
import ratatouille.v1.Averaging.CloseSessionRequest;
import ratatouille.v1.Averaging.ContributionHeader;
import ratatouille.v1.Averaging.OpenSessionRequest;
import ratatouille.v1.AveragingServiceGrpc;

/**
 * A client of the protos alone: push two models, average them, pull the average and compare its bytes; then a contribution to a session that is
 * cut in the middle and goes on.
 */
public final class Main {
  private Main() {}

  public static void main(String[] args) throws Exception {
    if (args.length != 1) throw new IllegalArgumentException("which address? for example 127.0.0.1:7437");
    // A window that is fixed: a server on Bun may stop sending where a client widens the windows of calls under way.
    var channel = NettyChannelBuilder.forTarget(args[0]).flowControlWindow(4 << 20).usePlaintext().build();
    try {
      run(channel);
    } finally {
      channel.shutdownNow();
    }
  }

  private static void run(ManagedChannel channel) throws Exception {
    var models = new Models(channel);
    var averaging = AveragingServiceGrpc.newBlockingStub(channel);
    float[] a = Tensors.numbers(1, 1 << 20), b = Tensors.numbers(2, 1 << 20);
    byte[] fileOfA = Tensors.file(a), fileOfB = Tensors.file(b);

    // Push: bytes first, then what they are.
    var request = AverageRequest.newBuilder().addModels(models.push(fileOfA)).addModels(models.push(fileOfB)).build();
    check(Arrays.equals(models.pull(request.getModels(0)), fileOfA), "another file came back than was pushed");

    // Average, and pull. Events that this version does not know are passed over.
    String average = null;
    var events = averaging.average(request);
    while (events.hasNext()) {
      var event = events.next();
      if (event.hasArtifact()) average = event.getArtifact().getDigest();
    }
    var pulled = models.pull(average);
    var mean = Tensors.bytes(Tensors.mean(a, b));
    check(Arrays.equals(pulled, pulled.length - mean.length, pulled.length, mean, 0, mean.length), "it is not the mean");
    System.out.printf("push, average, pull: %d bytes of %s%n", pulled.length, average);

    // A session: one contribution whole, one that is cut in the middle and sent again.
    var opened = averaging.openSession(OpenSessionRequest.newBuilder().setLicence("CC0-1.0").build());
    var session = ContributionHeader.newBuilder().setSessionId(opened.getSession().getId()).setSecret(opened.getSecret()).build();
    var sending = AveragingServiceGrpc.newStub(channel);
    check(Contribution.send(sending, session.toBuilder().setContributor("anna"), fileOfA, fileOfA.length).committed(), "it was not taken");
    var cut = Contribution.send(sending, session.toBuilder().setContributor("berta"), fileOfB, fileOfB.length / 2);
    check(!cut.committed(), "it was cut in the middle");
    var resumed = Contribution.send(sending, session.toBuilder().setContributor("berta"), fileOfB, fileOfB.length);
    check(resumed.committed() && resumed.began() > 0, "it did not go on where it was: " + resumed);
    var close = CloseSessionRequest.newBuilder().setSessionId(session.getSessionId()).setSecret(session.getSecret()).setSnapshot(true);
    var snapshot = averaging.closeSession(close.build()).getArtifact().getDigest();
    check(Arrays.equals(models.pull(snapshot), pulled), "the session made other bytes than the average");
    System.out.printf("session: resumed at byte %d of %d, the same bytes%n", resumed.began(), fileOfB.length);

    // An error has a code, a reason and the fields that are wrong.
    try {
      averaging.openSession(OpenSessionRequest.newBuilder().setMethod("median").build());
      throw new IllegalStateException("a method that there is not was taken");
    } catch (StatusRuntimeException refused) {
      check(refused.getStatus().getCode() == Status.Code.INVALID_ARGUMENT, refused.toString());
      String reason = null, field = null;
      for (var detail : StatusProto.fromThrowable(refused).getDetailsList()) {
        if (detail.is(ErrorInfo.class)) reason = detail.unpack(ErrorInfo.class).getReason();
        if (detail.is(BadRequest.class)) field = detail.unpack(BadRequest.class).getFieldViolations(0).getField();
      }
      check("SESSION_INVALID".equals(reason) && "method".equals(field), reason + " of " + field);
      System.out.printf("errors: %s of %s%n", reason, field);
    }
  }

  private static void check(boolean right, String problem) {
    if (!right) throw new IllegalStateException(problem);
  }
}
