import sys
from types import SimpleNamespace

import msgspec
import pytest

from sparse_core.speed.telemetry import (
    NO_DRIVER,
    NO_LIBRARY,
    Reading,
    Unread,
    disturbances,
    read,
)

READING = Reading("H100", "580.1", 1700, 2600, 412.5, 61, 9_000, 0)


class NVMLError(Exception):
    pass


def _fails(*_):
    raise NVMLError("Not Supported")


@pytest.fixture
def nvml(monkeypatch):
    """A driver with one GPU."""
    closed = []

    def handle(uuid):
        if uuid != "GPU-1-2":
            raise NVMLError("Not Found")
        return "gpu"

    fake = SimpleNamespace(
        NVMLError=NVMLError, NVML_CLOCK_SM=1, NVML_CLOCK_MEM=2, NVML_TEMPERATURE_GPU=0,
        closed=closed, nvmlInit=lambda: None, nvmlShutdown=lambda: closed.append(1),
        nvmlDeviceGetHandleByUUID=handle,
        nvmlDeviceGetName=lambda gpu: "H100",
        nvmlSystemGetDriverVersion=lambda: "580.1",
        nvmlDeviceGetClockInfo=lambda gpu, which: {1: 1700, 2: 2600}[which],
        nvmlDeviceGetPowerUsage=lambda gpu: 412_500,
        nvmlDeviceGetTemperature=lambda gpu, sensor: 61,
        nvmlDeviceGetTotalEnergyConsumption=lambda gpu: 9_000,
        nvmlDeviceGetCurrentClocksEventReasons=lambda gpu: 0,
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    return fake


@pytest.mark.parametrize("uuid", ["1-2", "GPU-1-2"])
def test_a_reading(nvml, uuid):
    assert read(uuid) == READING
    assert nvml.closed == [1]


def test_what_a_gpu_does_not_count_is_nothing(nvml):
    nvml.nvmlDeviceGetTotalEnergyConsumption = _fails
    assert read("1-2").energy_mj == 0


def test_an_unknown_gpu_is_a_reason(nvml):
    assert read("3-4") == Unread("NVML: Not Found")
    assert nvml.closed == [1]


def test_no_driver(nvml):
    nvml.nvmlInit = _fails
    assert read("1-2") == Unread(NO_DRIVER)


def test_no_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert read("1-2") == Unread(NO_LIBRARY)


def test_disturbances():
    change = msgspec.structs.replace
    assert disturbances(READING, READING) == ()
    assert disturbances(READING, change(READING, sm_mhz=1680, events=1 | 2)) == ()
    slow = change(READING, sm_mhz=1394, events=4 | 64)
    assert disturbances(READING, slow) == (
        "clocks dropped 18 %", "power limit", "hardware thermal limit",
    )  # fmt: skip
    assert disturbances(slow, READING)[0] == "clocks rose 22 %"
    assert disturbances(Unread(NO_DRIVER), READING) == ()
