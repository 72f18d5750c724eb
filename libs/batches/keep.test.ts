import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { createKeep, type Room } from "./keep.ts";

test("what is kept and what is set aside is never more than may be, and what nobody used comes back", () => {
  const action = fc.record({ reserve: fc.nat(60), sizes: fc.array(fc.nat(40), { maxLength: 5 }), ends: fc.nat(3) });
  fc.assert(
    fc.property(fc.nat(100), fc.array(action), (most, actions) => {
      const keep = createKeep<number>(most);
      const open: Room<number>[] = [];
      let number = 0;
      for (const { reserve, sizes, ends } of actions) {
        const room = keep.reserve(reserve);
        open.push(room);
        for (const size of sizes) room.add(`${number++}`, size, size);
        const kept = Array.from({ length: number }, (_, key) => keep.get(`${key}`) ?? 0);
        assert.equal(
          keep.bytes,
          kept.reduce((sum, size) => sum + size, 0),
        );
        assert.equal(keep.bytes + keep.room + open.reduce((sum, { bytes }) => sum + bytes, 0), most);
        assert.ok(keep.room >= 0 && room.bytes >= 0);
        for (const ended of open.splice(0, ends)) ended[Symbol.dispose]();
      }
      for (const room of open) room[Symbol.dispose]();
      assert.equal(keep.room, most - keep.bytes);
    }),
  );
});
