package lguest.device.testkit;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import lguest.device.DeviceState;

/** A device's state as bytes and back: whoever can live with what comes out depends on nothing but the data. */
final class PlainState {
  private PlainState() {}

  static DeviceState copy(DeviceState state) { return read(write(state)); }

  static byte[] write(DeviceState state) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeInt(state.version());
      out.writeInt(state.values().size());
      for (Map.Entry<String, Object> entry : new TreeMap<>(state.values()).entrySet()) {
        out.writeUTF(entry.getKey());
        switch (entry.getValue()) {
          case String text -> block(out, 'S', text.getBytes(StandardCharsets.UTF_8));
          case byte[] data -> block(out, 'B', data);
          case Long number -> { out.writeByte('L'); out.writeLong(number); }
          case Boolean truth -> { out.writeByte('T'); out.writeBoolean(truth); }
          default -> throw new AssertionError("state '" + entry.getKey() + "' is a " + entry.getValue().getClass());
        }
      }
      out.writeInt(state.descriptors().size());
      for (String name : new TreeSet<>(state.descriptors())) out.writeUTF(name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static void block(DataOutputStream out, char kind, byte[] data) throws IOException {
    out.writeByte(kind);
    out.writeInt(data.length);
    out.write(data);
  }

  static DeviceState read(byte[] bytes) {
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
      int version = in.readInt(), count = in.readInt();
      Map<String, Object> values = new HashMap<>();
      for (int i = 0; i < count; i++) {
        String name = in.readUTF();
        char kind = (char) in.readByte();
        values.put(name, switch (kind) {
          case 'S' -> new String(in.readNBytes(in.readInt()), StandardCharsets.UTF_8);
          case 'B' -> in.readNBytes(in.readInt());
          case 'L' -> in.readLong();
          default -> in.readBoolean();
        });
      }
      Set<String> descriptors = new HashSet<>();
      for (int i = in.readInt(); i > 0; i--) descriptors.add(in.readUTF());
      return new DeviceState(version, values, descriptors);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
