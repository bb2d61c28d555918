"""What an NVIDIA GPU did while something was timed: clocks, power, throttling.

Read through ``nvidia-ml-py`` (the extra ``gpu``) before and after rounds, never within them.
Locked clocks are rare, and a ratio measured while they fell says more about cooling than about
kernels.
"""

from importlib import import_module
from typing import Any

import msgspec

NO_LIBRARY = "nvidia-ml-py is not installed (extra: gpu)"
NO_DRIVER = "no NVIDIA driver"

EVENTS = {
    2: "application clocks",
    4: "power limit",
    8: "hardware slowdown",
    16: "synchronised with another GPU",
    32: "software thermal limit",
    64: "hardware thermal limit",
    128: "power brake",
    256: "display clocks",
}
"""Bits of NVML's clock event reasons; bit 1, idle, is no event."""
SLOWING = 4 | 8 | 32 | 64 | 128
CLOCK_DROP = 0.03
"""Share by which clocks may differ between two readings that belong together."""


class Reading(msgspec.Struct, frozen=True):
    """One look at a GPU.

    Attributes
    ----------
    name, driver : str
    sm_mhz, memory_mhz : int
        Clocks.
    power_w : float
    temperature_c : int
    energy_mj : int
        Since the driver was loaded; 0 where the GPU does not count it.
    events : int
        NVML's clock event bits, see ``EVENTS``.
    """

    name: str
    driver: str
    sm_mhz: int
    memory_mhz: int
    power_w: float
    temperature_c: int
    energy_mj: int
    events: int


class Unread(msgspec.Struct, frozen=True):
    """Why a GPU could not be read."""

    reason: str


def read(uuid: str) -> Reading | Unread:
    """Look at a GPU.

    Parameters
    ----------
    uuid : str
        As torch gives it, so that CUDA_VISIBLE_DEVICES does not matter.
    """
    try:
        nvml = import_module("pynvml")
    except ImportError:
        return Unread(NO_LIBRARY)
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return Unread(NO_DRIVER)
    try:
        return _read(nvml, uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}")
    except nvml.NVMLError as error:
        return Unread(f"NVML: {error}")
    finally:
        nvml.nvmlShutdown()


def _read(nvml: Any, uuid: str) -> Reading:
    gpu = nvml.nvmlDeviceGetHandleByUUID(uuid)
    try:
        energy = int(nvml.nvmlDeviceGetTotalEnergyConsumption(gpu))
    except nvml.NVMLError:  # before Volta
        energy = 0
    return Reading(
        name=str(nvml.nvmlDeviceGetName(gpu)),
        driver=str(nvml.nvmlSystemGetDriverVersion()),
        sm_mhz=int(nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_SM)),
        memory_mhz=int(nvml.nvmlDeviceGetClockInfo(gpu, nvml.NVML_CLOCK_MEM)),
        power_w=nvml.nvmlDeviceGetPowerUsage(gpu) / 1e3,
        temperature_c=int(nvml.nvmlDeviceGetTemperature(gpu, nvml.NVML_TEMPERATURE_GPU)),
        energy_mj=energy,
        events=int(nvml.nvmlDeviceGetCurrentClocksEventReasons(gpu)),
    )


def disturbances(before: Reading | Unread, after: Reading | Unread) -> tuple[str, ...]:
    """Say what spoils a comparison that was timed between two readings.

    Returns
    -------
    tuple of str
        Parts of a sentence: ``clocks dropped 18 %``, ``power limit``; empty if nothing does.
    """
    if isinstance(before, Unread) or isinstance(after, Unread):
        return ()
    found = []
    if before.sm_mhz and abs(after.sm_mhz - before.sm_mhz) > CLOCK_DROP * before.sm_mhz:
        change = (after.sm_mhz - before.sm_mhz) / before.sm_mhz
        found.append(f"clocks {'dropped' if change < 0 else 'rose'} {abs(change):.0%}")
    bits = (before.events | after.events) & SLOWING
    found += [text for bit, text in EVENTS.items() if bits & bit]
    return tuple(text.replace("%", " %") for text in found)
