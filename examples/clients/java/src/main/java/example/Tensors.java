package example;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Safetensors files of one tensor of F32: eight bytes with the length of the header, the header, the numbers. */
final class Tensors {
  private Tensors() {}

  /** So many numbers that a seed says. */
  static float[] numbers(long seed, int count) {
    var random = new Random(seed);
    var numbers = new float[count];
    for (int i = 0; i < count; i++) numbers[i] = random.nextFloat() - 0.5f;
    return numbers;
  }

  static byte[] bytes(float[] numbers) {
    var buffer = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float number : numbers) buffer.putFloat(number);
    return buffer.array();
  }

  static byte[] file(float[] numbers) {
    var data = bytes(numbers);
    var header = "{\"w\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}".formatted(numbers.length, data.length);
    header += " ".repeat(-header.length() & 7);
    var buffer = ByteBuffer.allocate(8 + header.length() + data.length).order(ByteOrder.LITTLE_ENDIAN);
    return buffer.putLong(header.length()).put(header.getBytes(StandardCharsets.US_ASCII)).put(data).array();
  }

  /** The mean, rounded once. */
  static float[] mean(float[] a, float[] b) {
    var mean = new float[a.length];
    for (int i = 0; i < a.length; i++) mean[i] = (float) (((double) a[i] + b[i]) / 2);
    return mean;
  }
}
