package example;

import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.util.concurrent.CompletableFuture;
import ratatouille.v1.Averaging.ContributeRequest;
import ratatouille.v1.Averaging.ContributeResponse;
import ratatouille.v1.Averaging.ContributionChunk;
import ratatouille.v1.Averaging.ContributionHeader;
import ratatouille.v1.AveragingServiceGrpc.AveragingServiceStub;

/**
 * One contribution to a session: the server says from where on it wants the bytes, and up to where. The same call again, after whatever broke
 * it, goes on there.
 */
final class Contribution implements ClientResponseObserver<ContributeRequest, ContributeResponse> {
  /** How a call went; `began` is the byte from which on the server wanted the file: what came before is there. */
  record Outcome(boolean committed, int began) {}

  private final byte[] file;
  private final int cut;
  private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
  private ClientCallStreamObserver<ContributeRequest> requests;
  private int began = -1;
  private int position;
  private long until;

  private Contribution(byte[] file, int cut) {
    this.file = file;
    this.cut = cut;
  }

  /** Sends a file until it is committed, or the call is cancelled behind byte `cut`. */
  static Outcome send(AveragingServiceStub averaging, ContributionHeader.Builder header, byte[] file, int cut) {
    var contribution = new Contribution(file, cut);
    header.setSizeBytes(file.length).setDigest(Models.digestOf(file));
    var requests = averaging.contribute(contribution);
    requests.onNext(ContributeRequest.newBuilder().setHeader(header).build());
    return contribution.outcome.join();
  }

  @Override
  public void beforeStart(ClientCallStreamObserver<ContributeRequest> stream) {
    requests = stream;
    stream.setOnReadyHandler(this::sendWhatIsWanted);
  }

  @Override
  public synchronized void onNext(ContributeResponse answer) {
    switch (answer.getEventCase()) {
      case SEND -> {
        if (began < 0) began = position = (int) answer.getSend().getOffset();
        until = answer.getSend().getUntil();
        sendWhatIsWanted();
      }
      case COMMITTED -> {
        outcome.complete(new Outcome(true, Math.max(began, 0)));
        requests.onCompleted();
      }
      default -> {} // something that this version does not know
    }
  }

  /** A chunk has at least 256 KiB, but for the last one: what does not fit before `until` waits for more. */
  private synchronized void sendWhatIsWanted() {
    while (began >= 0 && requests.isReady() && !outcome.isDone() && position < file.length) {
      var data = Models.part(file, position);
      if (position + data.size() > until) return;
      if (position >= cut) {
        outcome.complete(new Outcome(false, began));
        requests.cancel("cut in the middle", null);
        return;
      }
      var chunk = ContributionChunk.newBuilder().setData(data).setCrc32(Models.crc32(data));
      requests.onNext(ContributeRequest.newBuilder().setChunk(chunk).build());
      position += data.size();
    }
  }

  @Override
  public void onError(Throwable problem) {
    outcome.completeExceptionally(problem);
  }

  @Override
  public void onCompleted() {
    outcome.completeExceptionally(Status.UNKNOWN.withDescription("the server ended the call before the contribution was committed").asException());
  }
}
