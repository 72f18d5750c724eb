package example;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.grpc.Channel;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.concurrent.CompletableFuture;
import java.util.zip.CRC32;
import ratatouille.v1.Catalog.BlobHeader;
import ratatouille.v1.Catalog.DownloadBlobRequest;
import ratatouille.v1.Catalog.ImportModelRequest;
import ratatouille.v1.Catalog.ImportedFile;
import ratatouille.v1.Catalog.UploadBlobRequest;
import ratatouille.v1.Catalog.UploadBlobResponse;
import ratatouille.v1.CatalogServiceGrpc;
import ratatouille.v1.Chunk.CheckedChunk;
import ratatouille.v1.Tensors.ReadTensorsRequest;

/** Models of the catalog: bytes that are uploaded, and imported as what they are. */
final class Models {
  static final int CHUNK = 1 << 20;

  private final CatalogServiceGrpc.CatalogServiceStub sending;
  private final CatalogServiceGrpc.CatalogServiceBlockingStub catalog;

  Models(Channel channel) {
    sending = CatalogServiceGrpc.newStub(channel);
    catalog = CatalogServiceGrpc.newBlockingStub(channel);
  }

  static String digestOf(byte[] bytes) {
    try {
      return "sha256:" + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException missing) {
      throw new IllegalStateException(missing);
    }
  }

  static int crc32(ByteString data) {
    var sum = new CRC32();
    sum.update(data.asReadOnlyByteBuffer());
    return (int) sum.getValue();
  }

  static ByteString part(byte[] file, int offset) {
    return UnsafeByteOperations.unsafeWrap(file, offset, Math.min(CHUNK, file.length - offset));
  }

  /** Uploads a safetensors file and imports it as a model, whose digest it gives. */
  String push(byte[] file) {
    var digest = digestOf(file);
    var uploaded = new CompletableFuture<UploadBlobResponse>();
    var requests = sending.uploadBlob(new Answer<>(uploaded));
    var header = BlobHeader.newBuilder().setDigest(digest).setSizeBytes(file.length).setKeep(true);
    requests.onNext(UploadBlobRequest.newBuilder().setHeader(header).build());
    for (int offset = 0; offset < file.length; offset += CHUNK) {
      var data = part(file, offset);
      var chunk = CheckedChunk.newBuilder().setData(data).setCrc32(crc32(data));
      requests.onNext(UploadBlobRequest.newBuilder().setChecked(chunk).build());
    }
    requests.onCompleted();
    uploaded.join();
    var imported = ImportModelRequest.newBuilder().addFiles(ImportedFile.newBuilder().setDigest(digest));
    return catalog.importModel(imported.setLicence("CC0-1.0").setSource("an example in Java").build()).getArtifact().getDigest();
  }

  /** The file with a model's weights, whose bytes are those that its digest names. */
  byte[] pull(String model) {
    var described = catalog.readTensors(ReadTensorsRequest.newBuilder().setDigest(model).setDescribeOnly(true).build());
    var blob = described.next().getHeader().getBlob();
    described.forEachRemaining(ignored -> {});
    var file = new ByteArrayOutputStream();
    catalog
        .downloadBlob(DownloadBlobRequest.newBuilder().setDigest(blob).build())
        .forEachRemaining(message -> file.writeBytes(message.getChunk().toByteArray()));
    var bytes = file.toByteArray();
    if (!digestOf(bytes).equals(blob)) throw new IllegalStateException(blob + " arrived with other bytes");
    return bytes;
  }

  /** The one answer of a stream of requests. */
  record Answer<T>(CompletableFuture<T> future) implements StreamObserver<T> {
    @Override
    public void onNext(T value) {
      future.complete(value);
    }

    @Override
    public void onError(Throwable problem) {
      future.completeExceptionally(problem);
    }

    @Override
    public void onCompleted() {}
  }
}
