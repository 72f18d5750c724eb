"""AsyncClient: many calls at once, iterators, and calls that end where their task does."""

from __future__ import annotations

import asyncio
import time

import numpy as np
import pytest

from kit import System, until
from ratatouille import AsyncClient, Client, ServiceError
from ratatouille.client import Event


def drawn(seed: int, rows: int = 50) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    return {"w": np.random.default_rng(seed).normal(size=(rows, 1024)).astype("f4")}


def test_many_contribute_at_once_and_somebody_watches(system: System) -> None:
    async def run() -> None:
        async with AsyncClient(system.address, progress=False) as client:
            session = await client.session(licence="MIT", architecture="none")

            async def watch() -> list[int]:
                return [state.committed async for state in session.watch()]

            watching = asyncio.create_task(watch())
            members = [drawn(seed) for seed in range(12)]
            counted = await asyncio.gather(*(session.contribute(member, f"member {i}") for i, member in enumerate(members)))
            assert counted == [True] * 12
            snapshot = await session.snapshot()
            mean = np.mean([member["w"].astype("f8") for member in members], axis=0).astype("f4")
            assert np.array_equal((await client.pull(snapshot))["w"], mean)
            assert await client.soup(members) != snapshot
            await session.close()
            assert max(await watching) == 12

    asyncio.run(run())


def test_a_call_ends_with_its_task(system: System) -> None:
    async def run() -> None:
        async with AsyncClient(system.address, progress=False) as client:
            session = await client.session(licence="MIT", architecture="none")

            async def wait() -> Event:
                return await anext(aiter(client.watch("ratatouille.v1.run.finished")))

            waiting = asyncio.create_task(wait())
            pushing = asyncio.create_task(client.push(drawn(1, 20_000)))
            contributing = asyncio.create_task(session.contribute(drawn(2, 20_000), "late"))
            with Client(system.address) as other:
                await asyncio.to_thread(until, lambda: other.session(session.id).state().staged > 1 << 20, "a part of the contribution")
            began = time.monotonic()
            for task in (waiting, pushing, contributing):
                task.cancel()
            for task in (waiting, pushing, contributing):
                with pytest.raises(asyncio.CancelledError):
                    await task
            assert time.monotonic() - began < 5
            # What had arrived is used when the same is contributed again.
            assert await session.contribute(drawn(2, 20_000), "late")
            await session.close()

    asyncio.run(run())


def test_errors_are_those_of_the_client(system: System) -> None:
    async def run() -> None:
        async with AsyncClient(system.address) as client:
            with pytest.raises(ServiceError, match='no ref "no/ref"'):
                await client.get("no/ref")

    asyncio.run(run())
