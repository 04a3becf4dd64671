"""strawberry-graphql before 0.315.0 drops the task in which a DataLoader loads a batch."""

import asyncio

from strawberry.dataloader import DataLoader


async def load_orders(keys):
    await asyncio.sleep(1.5)
    return [f"order {key}" for key in keys]


async def main():
    await DataLoader(load_fn=load_orders).load(1)


asyncio.run(main())
