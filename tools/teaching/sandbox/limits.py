"""What a submission may use."""

from __future__ import annotations

from dataclasses import dataclass, fields

LARGEST_REPLY = 8_000_000  # bytes


@dataclass(frozen=True)
class Limits:
    """Limits of one run of a submission; past one of them its processes are ended.

    A run tries one part by itself, or what is left after the whole notebook.

    Attributes:
        wall_s: Seconds that pass, start and all parts together.
        cpu_s: Seconds of computing, all its processes together.
        memory_mb: Megabytes, all its processes together.
        processes: Processes and threads at one time.
        output_kb: Kilobytes that it prints.
        home_mb: Megabytes of files.
        files: Number of files.
        cell_s: Seconds for one cell.
    """

    wall_s: float = 60.0
    cpu_s: float = 30.0
    memory_mb: int = 1000
    processes: int = 32
    output_kb: int = 1000
    home_mb: int = 64
    files: int = 1000
    cell_s: float = 15.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            good = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
            if not good:
                raise ValueError(f"limit {field.name} must be a number above 0, got {value!r}")
            if field.type == "float":  # 60 and 60.0 are one limit, also where they are written
                object.__setattr__(self, field.name, float(value))
            elif not isinstance(value, int):
                raise ValueError(f"limit {field.name} must be a whole number, got {value!r}")

    def resources(self) -> dict[str, int]:
        """Return the limits that the kernel holds for each single process.

        The size of the data segment (RLIMIT_DATA) and not of the address space: libraries reserve
        far more addresses than they use.
        """
        return {
            "CPU": int(self.cpu_s) + 2,
            "DATA": self.memory_mb * 1_000_000,
            "FSIZE": self.home_mb * 1_000_000,
            "NOFILE": 256,
            "NPROC": self.processes,
            "CORE": 0,
            "MEMLOCK": 0,
            "MSGQUEUE": 0,
        }
