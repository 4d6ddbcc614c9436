"""The log of a run: CSV tables, and a picture of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path


class Table:
    """A CSV file that grows row by row and can be cut back when a run is resumed.

    Args:
        path: the file; its first row sets the columns.
        resume_at: drop rows whose ``step`` is beyond this; None to begin anew.
    """

    def __init__(self, path: str | Path, resume_at: float | None = None) -> None:
        self.path = Path(path)
        rows: list[dict[str, str]] = []
        if resume_at is not None and self.path.is_file():
            rows = [row for row in read(self.path) if float(row["step"]) <= resume_at]
        self._columns: list[str] = []
        self.path.unlink(missing_ok=True)
        for row in rows:
            self.add(row)

    def add(self, row: Mapping[str, object]) -> None:
        """Append a dictionary with the same keys as the first."""
        fresh = not self._columns
        self._columns = list(row)
        with open(self.path, "a", newline="") as file:
            writer = csv.DictWriter(file, self._columns)
            if fresh:
                writer.writeheader()
            writer.writerow(row)


def read(path: str | Path) -> list[dict[str, str]]:
    """Rows of a table as dictionaries of strings."""
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def draw(training_csv: str | Path, evaluation_csv: str | Path, png: str | Path) -> None:
    """Draw losses, learning rate and closed-loop figures over environment steps."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3)
    panels = [
        (training_csv, "direction_loss", "direction loss", axes[0, 0]),
        (training_csv, "norm_loss", "norm loss", axes[0, 1]),
        (training_csv, "rate", "learning rate", axes[0, 2]),
        (evaluation_csv, "success", "closed-loop success", axes[1, 0]),
        (evaluation_csv, "rotation_error_deg", "rotation error (deg)", axes[1, 1]),
        (evaluation_csv, "translation_error_mm", "translation error (mm)", axes[1, 2]),
    ]
    for path, column, title, axis in panels:
        rows = read(path) if Path(path).is_file() else []
        axis.plot([float(r["step"]) for r in rows], [float(r[column]) for r in rows], lw=1)
        axis.set_title(title)
        axis.set_xlabel("environment steps")
        axis.grid(alpha=0.3)
    for axis in (*axes[0], axes[1, 1], axes[1, 2]):
        axis.set_yscale("log")
    figure.savefig(png, dpi=110)
