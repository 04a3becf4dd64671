"""A small shop, as shops are: most routes are fine, five are not. Nothing here knows of asyncwatch."""

# ruff: noqa: RUF006

from __future__ import annotations

import asyncio
import time
from typing import Any

from fastapi import FastAPI, HTTPException

app = FastAPI(title="shop")
orders: dict[int, dict[str, Any]] = {}
audit_trail: list[str] = []


class CardGateway:
    """A payment provider's client library, written before asyncio."""

    def charge(self, cents: int) -> str:
        time.sleep(0.3)  # its round trip to the provider
        return f"receipt-{cents}"


gateway = CardGateway()


def find(number: int) -> dict[str, Any]:
    if number not in orders:
        raise HTTPException(404, f"no order {number}")
    return orders[number]


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/orders")
async def list_orders() -> list[dict[str, Any]]:
    return list(orders.values())


@app.post("/orders", status_code=201)
async def place_order(item: str, cents: int) -> dict[str, Any]:
    """Fine: both lookups are children of a group that waits for them."""
    async with asyncio.TaskGroup() as group:
        stock = group.create_task(units_in_stock(item))
        tax = group.create_task(tax_on(cents))
    number = len(orders) + 1
    orders[number] = {"number": number, "item": item, "cents": cents + tax.result(), "stock": stock.result()}
    return orders[number]


@app.post("/orders/{number}/pay")
async def pay(number: int) -> dict[str, str]:
    """Not fine: the gateway blocks, and every other customer waits."""
    order = find(number)
    receipt = gateway.charge(order["cents"])
    return {"receipt": receipt}


@app.post("/orders/{number}/ship")
async def ship(number: int) -> dict[str, str]:
    """Not fine: nobody holds the task that calls the courier."""
    order = find(number)
    asyncio.create_task(call_courier(order))
    return {"status": "shipping"}


@app.get("/orders/{number}/suggestions")
async def suggestions(number: int) -> list[str]:
    """Not fine: the refresh goes on after the request that began it, and nobody hears how it ends."""
    order = find(number)
    refresh = asyncio.create_task(refresh_suggestions(order))
    await asyncio.sleep(0.01)
    return ["socks"] if not refresh.done() else ["socks", "gloves"]


@app.post("/orders/{number}/cancel")
async def cancel(number: int) -> dict[str, str]:
    """Not fine: the audit entry is never written, an `await` is missing."""
    order = find(number)
    order["status"] = "cancelled"
    write_audit(f"order {number} cancelled")
    return {"status": "cancelled"}


@app.post("/orders/{number}/invoice")
async def invoice(number: int) -> dict[str, str]:
    """Not fine: printing fails, and nobody asks."""
    order = find(number)
    printing = asyncio.create_task(print_invoice(order), name=f"invoice-{number}")
    await asyncio.sleep(0.01)
    return {"status": "printed" if printing.done() else "queued"}


async def units_in_stock(item: str) -> int:
    await asyncio.sleep(0.005)
    return len(item)


async def tax_on(cents: int) -> int:
    await asyncio.sleep(0.005)
    return cents // 5


async def call_courier(order: dict[str, Any]) -> None:
    await asyncio.sleep(1.5)
    order["status"] = "shipped"


async def refresh_suggestions(order: dict[str, Any]) -> None:
    await asyncio.sleep(2)
    order["suggestions"] = ["socks", "gloves"]


async def write_audit(line: str) -> None:
    await asyncio.sleep(0.001)
    audit_trail.append(line)


async def print_invoice(order: dict[str, Any]) -> None:
    raise LookupError(f"no printer for order {order['number']}")
