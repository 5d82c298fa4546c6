"""The client of asyncio: nobody polls, and nothing is left behind by whoever stops to wait."""

from __future__ import annotations

import asyncio
import gc
import signal
import threading
import time
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from collector import Collector
from event_py import AsyncClient, Client, ClientClosedError, FlushTimeoutError, Query, QueryError, UnconfirmedError
from script import run

Run = Callable[[Coroutine[Any, Any, Any]], Any]
EVENT = {"category": "order", "name": "sent"}
AWAY = "http://127.0.0.1:1"


@pytest.fixture(params=["asyncio", "uvloop", "debug"])
def run_in(request: pytest.FixtureRequest) -> Run:
    """Runs a coroutine in a loop of some kind."""
    if request.param == "uvloop":
        return uvloop.run
    return lambda work: asyncio.run(work, debug=request.param == "debug")


def test_all_it_can_do(collector: Collector, run_in: Run) -> None:
    async def main() -> None:
        async with AsyncClient(collector.url, source="shop") as client:
            for number in range(100):
                assert client.track("order", "tracked", {"number": number})
            await client.flush(20)
            assert client.stats().stored == 100
            verdicts = await client.send([EVENT, EVENT])
            assert [verdict.status for verdict in verdicts] == ["stored", "stored"]
            assert client.unstored() == []
            answer = await client.query(by="/name", filter={"name": "sent"})
            assert answer == await client.query(Query(by="/name", filter={"name": "sent"}))
            assert [row.value for row in answer] == [2]
            with pytest.raises(QueryError):
                await client.query("nonsense")
            client.track("order", "last")
        with pytest.raises(ClientClosedError):
            client.track("order", "late")
        await client.close()

    run_in(main())
    assert [collector.count("order", name) for name in ("tracked", "sent", "last")] == [100, 2, 1]


def test_the_loop_goes_on_meanwhile(run_in: Run) -> None:
    async def main() -> int:
        ticks = 0
        client = AsyncClient(AWAY, source="shop", exit_timeout=0)
        client.track("order", "created")
        waits = asyncio.ensure_future(client.flush(0.5))
        while not waits.done():
            await asyncio.sleep(0.01)
            ticks += 1
        with pytest.raises(FlushTimeoutError) as raised:
            await waits
        assert raised.value.waiting == 1
        with pytest.raises(FlushTimeoutError):
            await client.close(0)
        return ticks

    assert run_in(main()) >= 10


def test_many_wait_at_once_without_a_thread_each(collector: Collector, run_in: Run) -> None:
    async def main() -> None:
        async with AsyncClient(collector.url, source="shop") as client:
            waits = [asyncio.create_task(client.send([{**EVENT, "id": str(number)}])) for number in range(200)]
            await asyncio.sleep(0)
            # One more than this one at the most: asyncio looks up addresses by threads, and we have none.
            assert threading.active_count() == 1
            verdicts = await asyncio.gather(*waits)
        assert sorted(int(verdict.id or "") for (verdict,) in verdicts) == list(range(200))

    run_in(main())
    assert collector.count() == 200


def test_a_loop_is_woken_only_when_there_is_something() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        calls = 0
        call_soon_threadsafe = loop.call_soon_threadsafe

        def counted(*arguments: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            return call_soon_threadsafe(*arguments, **more)

        loop.call_soon_threadsafe = counted  # type: ignore[assignment, method-assign]
        client = AsyncClient(AWAY, source="shop", exit_timeout=0)
        client.track("order", "created")
        with pytest.raises(FlushTimeoutError):
            await client.flush(0.5)
        assert calls == 1
        with pytest.raises(FlushTimeoutError):
            await client.close(0)

    asyncio.run(main())


def test_a_wait_can_be_cancelled(collector: Collector, run_in: Run) -> None:
    url = collector.url
    collector.stop()

    async def main() -> None:
        troubles: list[dict[str, Any]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
        client = AsyncClient(url, source="shop", backoff=(0.01, 0.05), exit_timeout=20)
        client.track("order", "tracked")
        waits = [asyncio.create_task(client.flush(20)), asyncio.create_task(client.send([EVENT]))]
        await asyncio.sleep(0.05)
        for wait in waits:
            wait.cancel()
        assert [type(end) for end in await asyncio.gather(*waits, return_exceptions=True)] == [
            asyncio.CancelledError
        ] * 2
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.flush(20), 0.05)
        collector.start()
        await client.flush(20)
        # What was sent is sent all the same.
        while client.stats().waiting:
            await asyncio.sleep(0.01)
        await client.close(20)
        await asyncio.sleep(0.05)
        assert troubles == []

    run_in(main())
    assert [collector.count("order", name) for name in ("tracked", "sent")] == [1, 1]


def test_errors_of_send(run_in: Run) -> None:
    async def main() -> None:
        client = AsyncClient(AWAY, source="shop", send_timeout=0.1, exit_timeout=0)
        with pytest.raises(UnconfirmedError) as raised:
            await client.send([EVENT])
        assert raised.value.verdicts == [None]
        with pytest.raises(TypeError):
            await client.send([{"category": 1, "name": "created"}])
        with pytest.raises(ValueError, match="seconds"):
            await client.flush(-1)
        await client.close(0)

    run_in(main())


def test_what_ends_a_block_is_what_is_raised(run_in: Run) -> None:
    async def main(error: type[Exception] | None) -> None:
        async with AsyncClient(AWAY, source="shop", exit_timeout=0.05) as client:
            client.track("order", "created")
            if error:
                raise error

    with pytest.raises(LookupError):
        run_in(main(LookupError))
    with pytest.raises(FlushTimeoutError):
        run_in(main(None))


def test_a_loop_may_be_closed_meanwhile(collector: Collector) -> None:
    url = collector.url
    collector.stop()
    client = AsyncClient(url, source="shop", backoff=(0.01, 0.05))
    client.track("order", "tracked")

    async def leave() -> None:
        for wait in (client.flush(20), client.send([EVENT])):
            # Held by nobody, and never finished.
            wait.send(None)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(leave())
    loop.close()
    gone = weakref.ref(loop)
    del loop
    collector.start()

    async def again() -> None:
        await client.flush(20)
        await client.send([EVENT])
        await client.close(20)

    asyncio.run(again())
    assert [collector.count("order", name) for name in ("tracked", "sent")] == [1, 2]
    for _ in range(50):
        gc.collect()
        if gone() is None:
            break
        time.sleep(0.02)
    assert gone() is None, "the client keeps a loop alive that nobody uses"


def test_nothing_is_kept_of_a_wait_that_is_over(collector: Collector) -> None:
    class Marked(asyncio.Future[None]):
        pass

    made: list[weakref.ref[Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()

        def create() -> Marked:
            future = Marked(loop=loop)
            made.append(weakref.ref(future))
            return future

        loop.create_future = create  # type: ignore[method-assign]
        async with AsyncClient(collector.url, source="shop") as client:
            for _ in range(20):
                client.track("order", "tracked")
                await client.flush(20)
                await client.send([EVENT])
        del loop.create_future

    asyncio.run(main())
    gc.collect()
    assert len(made) >= 40
    assert [one for one in made if one() is not None] == []


def test_without_a_loop_there_is_no_wait() -> None:
    client = Client(AWAY, source="shop", exit_timeout=0)
    with pytest.raises(RuntimeError, match="loop"):
        client._flush(1)


@pytest.mark.skipif(not hasattr(signal, "SIGINT"), reason="this system has no signals")
def test_ctrl_c(run_in: Run) -> None:
    sent = []

    async def main() -> None:
        client = AsyncClient(AWAY, source="shop", exit_timeout=0)
        client.track("order", "created")

        def interrupt() -> None:
            sent.append(time.monotonic())
            signal.raise_signal(signal.SIGINT)

        asyncio.get_running_loop().call_later(0.1, interrupt)
        await client.flush(10)

    with pytest.raises(KeyboardInterrupt):
        run_in(main())
    assert time.monotonic() - sent[0] < 1.0


@pytest.mark.parametrize("end", ["pass", "sys.exit(3)", "os._exit(3)"])
def test_the_end_of_the_program(collector: Collector, end: str) -> None:
    """Tasks that wait still, in loops that nobody runs any more and that nobody has closed."""
    ended = run(
        """
        import asyncio, atexit, os, sys, threading
        url, end = sys.argv[1:3]

        def late():
            # After our own end: the client is closed, so there is nothing to wait for.
            asyncio.run(client.flush(5))
            asyncio.run(client.close(5))
            print("late")

        atexit.register(late)
        import event_py
        client = event_py.AsyncClient(url, source="shop", linger=60)
        away = event_py.AsyncClient("http://127.0.0.1:1", source="shop", exit_timeout=0.2)
        loop = asyncio.new_event_loop()

        async def main():
            away.track("order", "lost")
            waits = [away.flush(20), away.send([{"category": "order", "name": "sent"}])]
            tasks = [asyncio.ensure_future(wait) for wait in waits]
            await asyncio.sleep(0.05)
            client.track("order", "tracked")
            return tasks

        tasks = loop.run_until_complete(main())

        async def waits():
            away.track("order", "lost")
            while True:
                await away.flush(0.01)

        threading.Thread(target=lambda: asyncio.run(waits()), daemon=True).start()
        exec(end)
        """,
        collector.url,
        end,
        exits=0 if end == "pass" else 3,
    )
    for trouble in ("panic", "abort", "Fatal"):
        assert trouble not in ended.stderr, ended.stderr
    if "_exit" not in end:
        assert ended.stdout == "late\n"
        assert collector.count() == 1
