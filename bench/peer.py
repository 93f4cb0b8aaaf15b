"""The parking command as it is commonly built: starlette and uvicorn, SQLAlchemy with asyncpg, aio-pika.

A write to the database, then a message about it: two writes that can come apart, as such services are. For `bench/run --only commands`.
PEER_DATABASE: postgresql+asyncpg://…; PEER_BROKER: amqp://…
"""
import json
import os
import uuid

import aio_pika
from sqlalchemy import Column, String
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import declarative_base, sessionmaker
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

Base = declarative_base()
engine = create_async_engine(os.environ["PEER_DATABASE"], pool_size=8)
session = sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)
exchange = None


class Slot(Base):
    __tablename__ = "bench_peer_slots"
    uuid = Column(String, primary_key=True)
    name = Column(String, nullable=False)
    status = Column(String, nullable=False)


async def start():
    global exchange
    async with engine.begin() as c:
        await c.run_sync(Base.metadata.create_all)
    link = await aio_pika.connect_robust(os.environ["PEER_BROKER"])
    channel = await link.channel()
    exchange = await channel.declare_exchange("bench_peer", aio_pika.ExchangeType.TOPIC, durable=True)
    queue = await channel.declare_queue("bench_peer", durable=True, arguments={"x-max-length": 1000})
    await queue.bind(exchange, "parking.#")


async def create(request):
    body = await request.json()
    slot = Slot(uuid=str(uuid.uuid4()), name=body["name"], status=body.get("status", "available"))
    async with session() as s:
        s.add(slot)
        await s.commit()
    row = {"uuid": slot.uuid, "name": slot.name, "status": slot.status}
    message = aio_pika.Message(json.dumps(row).encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
    await exchange.publish(message, routing_key="parking.create")
    return JSONResponse(row, status_code=201)


app = Starlette(routes=[Route("/parking_slots", create, methods=["POST"])], on_startup=[start])
