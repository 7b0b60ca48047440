"""A deployment as its cluster gives it, and what a canary of it is called."""

from __future__ import annotations

from typing import Any

PLACE = {"namespace": "starforge", "name": "api"}
COPY = "api-reforge-canary"
LIVE: dict[str, Any] = {
    "metadata": {"name": "api", "namespace": "starforge", "labels": {"team": "core"}},
    "spec": {
        "replicas": 3,
        "minReadySeconds": 5,
        "selector": {"matchLabels": {"app": "api"}},
        "template": {
            "metadata": {
                "creationTimestamp": None,
                "labels": {"app": "api", "tier": "web"},
                "annotations": {"prometheus.io/scrape": "true"},
            },
            "spec": {
                "serviceAccountName": "api",
                "initContainers": [{"name": "migrate", "env": [{"name": "DATABASE_URL", "value": "x"}]}],
                "containers": [
                    {
                        "name": "app",
                        "image": "registry.invalid/starforge:1",
                        "resources": {"limits": {"memory": "1Gi"}},
                        "env": [
                            {"name": "PORT", "value": "8080"},
                            {"name": "DATABASE_URL", "valueFrom": {"secretKeyRef": {"name": "api"}}},
                            {"name": "READ_URL", "value": "$(DATABASE_URL)"},
                            {"name": "PGAPPNAME", "value": "api"},
                        ],
                    },
                    {"name": "proxy", "image": "registry.invalid/proxy:1"},
                ],
            },
        },
    },
}
