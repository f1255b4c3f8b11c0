"""The geometry of a surface: a matrix as points in space, turned, and laid flat on the screen. Numbers only, nothing is painted here."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ptinspect.frozen import frozen

Array = np.ndarray[Any, Any]
Room = tuple[float, float]
LOWEST, HIGHEST, NEAREST = 8.0, 90.0, 8.0
TALL, MOST_APART = 0.42, 3.0  # how high it stands above a floor whose longer side is 1, and how much longer that may be than the other
_LIGHT = (-0.45, 0.35, 0.82)


@frozen
class Pose:
    """From where it is seen: degrees around the upright, degrees above the floor, and how near."""

    around: float = -32.0
    above: float = 34.0
    zoom: float = 1.0

    def turned(self, by: float, tilt: float) -> Pose:
        """Turned further; never seen from below."""
        return Pose((self.around + by) % 360, max(LOWEST, min(HIGHEST, self.above + tilt)), self.zoom)

    def zoomed(self, factor: float) -> Pose:
        """Nearer or further, within reason."""
        return Pose(self.around, self.above, max(0.5, min(NEAREST, self.zoom * factor)))


class Relief:
    """A matrix as points: rows go away from the first viewer, the first row lies at the far side. Heights are true to each other."""

    def __init__(self, cells: Array) -> None:
        self.cells = cells
        fits = np.isfinite(cells)
        finite = cells[fits].astype(np.float64)
        self.low, self.high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
        self.is_amount = self.low >= 0
        reach = float(np.quantile(np.abs(finite), 0.995)) if finite.size else 0.0
        self.reach = reach or max(abs(self.low), abs(self.high)) or 1.0
        bottom, top = min(0.0, self.low), max(0.0, self.high)
        self._bottom, self._span = bottom, top - bottom or 1.0
        rows, columns = cells.shape
        wide, deep = _sides(rows, columns)
        across, down = np.linspace(-wide / 2, wide / 2, columns), np.linspace(deep / 2, -deep / 2, rows)
        heights = np.where(fits, (cells.astype(np.float64) - bottom) / self._span * TALL, 0.0)
        self._points = np.stack((*np.meshgrid(across, down), heights), axis=-1)
        self._corners = np.array([(-wide / 2, deep / 2, 0), (wide / 2, deep / 2, 0), (wide / 2, -deep / 2, 0), (-wide / 2, -deep / 2, 0)])
        self._is_whole = fits[:-1, :-1] & fits[:-1, 1:] & fits[1:, 1:] & fits[1:, :-1]
        self._fits = fits
        self._seen: tuple[object, Array] | None = None

    @property
    def scale(self) -> tuple[float, float]:
        """The numbers at either end of its colours."""
        return (0.0 if self.is_amount else -self.reach), self.reach

    def seen(self, pose: Pose, room: Room) -> Array:
        """Where each point lies on the screen."""
        if self._seen is None or self._seen[0] != (pose, room):
            self._seen = ((pose, room), _flat(self._points, pose, room))
        return self._seen[1]

    def floor(self, pose: Pose, room: Room) -> list[tuple[float, float]]:
        """The corners of the floor: first row and column, first row and last column, and on around."""
        return [(float(x), float(y)) for x, y in _flat(self._corners, pose, room)]

    def upright(self, pose: Pose, room: Room, corner: int) -> list[tuple[float, tuple[float, float]]]:
        """The lowest height, zero where it lies between, and the highest, above a corner of the floor."""
        bottom, top = self._bottom, self._bottom + self._span
        found = []
        for value in sorted({bottom, 0.0, top}):
            if value in (bottom, top) or min(value - bottom, top - value) > 0.15 * self._span:
                point = self._corners[corner] + (0, 0, (value - bottom) / self._span * TALL)
                x, y = _flat(point, pose, room)
                found.append((value, (float(x), float(y))))
        return found

    def squares(self, pose: Pose, room: Room, steps: int, shades: int) -> tuple[Array, Array, Array]:
        """The squares from far to near: their corners on the screen, their places in a colour table, and how much light falls on them.

        Far is told by the floor alone: above it nothing of a nearer place can lie behind anything of a farther one.
        """
        seen, points = self.seen(pose, room), self._points
        corners = np.concatenate((seen[:-1, :-1], seen[:-1, 1:], seen[1:, 1:], seen[1:, :-1]), axis=-1)
        sine, cosine = math.sin(math.radians(pose.around)), math.cos(math.radians(pose.around))
        away = points[:-1, :-1, 0] * sine + points[:-1, :-1, 1] * cosine
        order = np.argsort(-away[self._is_whole], kind="stable")
        return tuple(found[self._is_whole][order] for found in (corners, self._codes(steps), self._shades(shades)))  # type: ignore[return-value]

    def _codes(self, steps: int) -> Array:
        """By the mean of the four corners."""
        cells = np.where(self._fits, self.cells, 0).astype(np.float64)
        mean = cells[:-1, :-1] / 4 + cells[:-1, 1:] / 4 + cells[1:, 1:] / 4 + cells[1:, :-1] / 4
        share = mean / self.reach if self.is_amount else (mean / self.reach + 1) / 2
        return np.clip(np.round(share * (steps - 1)), 0, steps - 1).astype(int)

    def _shades(self, shades: int) -> Array:
        """By how much a square is turned to a light that stands still above the floor."""
        points = self._points
        one, two = points[1:, 1:] - points[:-1, :-1], points[:-1, 1:] - points[1:, :-1]
        upright = np.cross(one, two)
        upright /= np.maximum(np.linalg.norm(upright, axis=-1, keepdims=True), 1e-30)
        light: Array = np.clip(upright @ np.array(_LIGHT), 0, 1)
        found: Array = np.round(light * (shades - 1)).astype(int)
        return found

    def nearest(self, pose: Pose, room: Room, point: tuple[float, float], most: float) -> tuple[int, int] | None:
        """The point of the nearest square under a place of the screen, or what lies beside it; None where nothing does."""
        seen = self.seen(pose, room)
        apart = np.hypot(seen[..., 0] - point[0], seen[..., 1] - point[1])
        apart[~self._fits] = np.inf
        square = self._square_at(pose, room, point)
        if square is not None:
            row, column = square
            part = apart[row : row + 2, column : column + 2]
            at = int(part.argmin())
            return row + at // 2, column + at % 2
        at = int(apart.argmin())
        return (at // apart.shape[1], at % apart.shape[1]) if apart.flat[at] <= most else None

    def _square_at(self, pose: Pose, room: Room, point: tuple[float, float]) -> tuple[int, int] | None:
        """The square that was painted last over a place: the sides of it that the place lies to the same side of are all four."""
        seen = self.seen(pose, room) - np.array(point)
        around = (seen[:-1, :-1], seen[:-1, 1:], seen[1:, 1:], seen[1:, :-1])
        turns = [a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0] for a, b in zip(around, (*around[1:], around[0]), strict=True)]
        inside = (np.all([turn >= 0 for turn in turns], axis=0) | np.all([turn <= 0 for turn in turns], axis=0)) & self._is_whole
        found = np.argwhere(inside)
        if not found.size:
            return None
        sine, cosine = math.sin(math.radians(pose.around)), math.cos(math.radians(pose.around))
        away = self._points[found[:, 0], found[:, 1], 0] * sine + self._points[found[:, 0], found[:, 1], 1] * cosine
        row, column = found[int(away.argmin())]
        return int(row), int(column)


def _sides(rows: int, columns: int) -> tuple[float, float]:
    """How wide and how deep the floor is: as the matrix is, but never a mere strip."""
    ratio = max(1 / MOST_APART, min(MOST_APART, columns / rows))
    return (1.0, 1 / ratio) if ratio >= 1 else (ratio, 1.0)


def _flat(points: Array, pose: Pose, room: Room) -> Array:
    """On the screen, y downwards."""
    around, above = math.radians(pose.around), math.radians(pose.above)
    x = points[..., 0] * math.cos(around) - points[..., 1] * math.sin(around)
    away = points[..., 0] * math.sin(around) + points[..., 1] * math.cos(around)
    up = (points[..., 2] - TALL / 2) * math.cos(above) + away * math.sin(above)
    size = min(room[0] / 1.9, room[1] / 1.25) * pose.zoom
    return np.stack((room[0] / 2 + x * size, room[1] / 2 - up * size), axis=-1)


__all__ = ["Pose", "Relief"]
