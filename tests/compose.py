"""docker-compose.yml as the tests see it: read once, and its services as plain commands for this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: Mapping[str, Mapping[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
ROLES = {name: service for name, service in OURS.items() if name != "migrate"}


def targets(service: Mapping[str, Any]) -> set[str]:
    """Where its volumes are mounted."""
    return {volume["target"] for volume in service["volumes"]}
