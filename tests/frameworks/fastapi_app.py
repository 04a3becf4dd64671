"""FastAPI under uvicorn, after the first steps of its tutorial."""

from fastapi import FastAPI
from faults import FAULTS

app = FastAPI()


@app.get("/{name}")
async def read(name: str):
    await FAULTS[name]()
    return {"name": name}
