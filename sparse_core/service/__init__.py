"""The core behind the pipe: requests in, pure functions, answers out."""

from sparse_core.service.desk import Service

__all__ = ["Service"]
