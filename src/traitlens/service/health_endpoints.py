"""/health and /metrics, which wait for no thread and so answer when all are busy."""

from __future__ import annotations

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from traitlens.service.schemas import HealthOut
from traitlens.service.serving import Service


def health_endpoints(service: Service) -> APIRouter:
    """Return the endpoints for those who run the service."""
    router = APIRouter()

    @router.get("/health", summary="Say what is served.")
    async def health() -> HealthOut:
        with service.live.served() as served:
            manifest = served.index.manifest
            return HealthOut(
                status="ok",
                tokens=len(served.index),
                encoder=manifest.encoder_fingerprint,
                engine=manifest.engine,
            )

    @router.get(
        "/metrics",
        summary="Prometheus metrics.",
        response_class=Response,
        responses={200: {"content": {"text/plain": {}}}},
    )
    async def metrics() -> Response:
        with service.live.served() as served:
            service.metrics.tokens.set(len(served.index))
        return Response(service.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router
