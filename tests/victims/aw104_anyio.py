"""anyio's files, paths, processes and threads do their blocking elsewhere; a call beside them does not."""
# needs module: anyio
# options: --extend-select AW104 --slow-callback-duration 5

import time

import _loop
import anyio
import anyio.to_thread


async def files(folder):
    async with await anyio.open_file(folder / "a", "w") as file:
        await file.write("text")
    path = anyio.Path(folder) / "a"
    assert await path.exists()
    await path.read_text()
    await path.unlink()


async def processes():
    done = await anyio.run_process(["true"])
    return done.returncode


async def sockets():
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, answer)
        async with await anyio.connect_tcp(*listener.extra(anyio.abc.SocketAttribute.local_address)) as stream:
            await stream.send(b"x")
            await stream.receive()
        group.cancel_scope.cancel()


async def answer(stream):
    async with stream:
        await stream.send(await stream.receive())


async def locks():
    async with anyio.Lock(), anyio.Semaphore(1), anyio.CapacityLimiter(1):
        await anyio.sleep(0.001)
    with anyio.move_on_after(0.01):
        await anyio.Event().wait()


async def main():
    async with anyio.TemporaryDirectory() as folder:
        await files(anyio.Path(folder))
    await processes()
    await sockets()
    await locks()
    await anyio.to_thread.run_sync(time.sleep, 0.001)
    time.sleep(0.001)  # AW104


_loop.run(main())
print("ended")
