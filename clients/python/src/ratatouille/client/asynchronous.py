"""The same client for asyncio. What it does is done by Client in threads: hashing and sending gigabytes would hold up an event loop."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

from ..cancellation import Cancellation, use
from .client import Client
from .progress import Progress
from .run import Run
from .session import Session

P = ParamSpec("P")
R = TypeVar("R")
Inner = TypeVar("Inner")
Made = TypeVar("Made")
#: Calls of one client at once; each has a thread while it lasts.
_MOST_CALLS = 256


class _Threads(Generic[Inner]):
    """Something whose methods are called in threads."""

    def __init__(self, inner: Inner, pool: ThreadPoolExecutor) -> None:
        self._inner = inner
        self._pool = pool

    def __repr__(self) -> str:
        return f"<Async{repr(self._inner).removeprefix('<')}"


def _method(call: Callable[Concatenate[Inner, P], R]) -> Callable[Concatenate[_Threads[Inner], P], Coroutine[Any, Any, R]]:
    """The method in a thread. Where its task is cancelled, the calls that it has under way are ended, and it is waited for."""

    @functools.wraps(call)
    async def called(self: _Threads[Inner], /, *args: P.args, **kwargs: P.kwargs) -> R:
        cancellation, context = _cancellable()
        return await _run(self._pool, context, cancellation, lambda: call(self._inner, *args, **kwargs))

    return called


def _stream(call: Callable[Concatenate[Inner, P], Iterator[R]]) -> Callable[Concatenate[_Threads[Inner], P], AsyncIterator[R]]:
    """The iterator, each step of it in a thread."""

    @functools.wraps(call)
    async def called(self: _Threads[Inner], /, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[R]:
        cancellation, context = _cancellable()
        items = call(self._inner, *args, **kwargs)
        try:
            while True:
                item = await _run(self._pool, context, cancellation, lambda: next(items, _END))
                if item is _END:
                    return
                yield item  # type: ignore[misc]
        finally:
            cancellation.cancel()

    return called


def _giving(
    call: Callable[Concatenate[Inner, P], R], wrap: Callable[[R, ThreadPoolExecutor], Made]
) -> Callable[Concatenate[_Threads[Inner], P], Coroutine[Any, Any, Made]]:
    """The method in a thread, and what it gives for asyncio too."""
    method = _method(call)

    @functools.wraps(call)
    async def called(self: _Threads[Inner], /, *args: P.args, **kwargs: P.kwargs) -> Made:
        return wrap(await method(self, *args, **kwargs), self._pool)

    return called


_END = object()


def _cancellable() -> tuple[Cancellation, Context]:
    cancellation, context = Cancellation(), copy_context()
    context.run(use, cancellation)
    return cancellation, context


async def _run(pool: ThreadPoolExecutor, context: Context, cancellation: Cancellation, work: Callable[[], R]) -> R:
    under_way = asyncio.get_running_loop().run_in_executor(pool, context.run, work)
    try:
        return await asyncio.shield(under_way)
    except asyncio.CancelledError:
        cancellation.cancel()
        await asyncio.wait([under_way])
        under_way.exception()
        raise


class AsyncSession(_Threads[Session]):
    """Session, for asyncio."""

    @property
    def id(self) -> str:
        return self._inner.id

    @property
    def secret(self) -> str:
        return self._inner.secret

    state = _method(Session.state)
    contribute = _method(Session.contribute)
    withdraw = _method(Session.withdraw)
    snapshot = _method(Session.snapshot)
    close = _method(Session.close)
    watch = _stream(Session.watch)


class AsyncRun(_Threads[Run]):
    """Run, for asyncio."""

    @property
    def id(self) -> str:
        return self._inner.id

    @property
    def name(self) -> str:
        return self._inner.name

    state = _method(Run.state)
    specification = _method(Run.specification)
    watch = _stream(Run.watch)
    wait = _method(Run.wait)
    cancel = _method(Run.cancel)
    report = _method(Run.report)


class AsyncClient(_Threads[Client]):
    """Client, for asyncio: `async with AsyncClient("host:7437") as client: await client.push(…)`. Its arguments and methods are those of
    Client; iterators are asynchronous ones."""

    def __init__(
        self,
        address: str | None = None,
        *,
        token: str | None = None,
        ca: str | os.PathLike[str] | None = None,
        progress: Progress = None,
    ) -> None:
        super().__init__(Client(address, token=token, ca=ca, progress=progress), ThreadPoolExecutor(_MOST_CALLS, "ratatouille"))

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the connection."""
        self._inner.close()
        self._pool.shutdown(wait=False)

    push = _method(Client.push)
    pull = _method(Client.pull)
    download = _method(Client.download)
    average = _method(Client.average)
    soup = _method(Client.soup)
    methods = _method(Client.methods)
    sessions = _method(Client.sessions)
    get = _method(Client.get)
    models = _method(Client.models)
    refs = _method(Client.refs)
    move_ref = _method(Client.move_ref)
    tag = _method(Client.tag)
    lineage = _method(Client.lineage)
    runs = _method(Client.runs)
    watch = _stream(Client.watch)
    session = _giving(Client.session, AsyncSession)
    recycle = _giving(Client.recycle, AsyncRun)
    run = _giving(Client.run, AsyncRun)
