import pytest
import work


@pytest.mark.asyncio
async def test_work():
    await work.work()
