"""A pinhole camera over the table, and how it maps the planes of the world."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Camera:
    """A pinhole camera that looks at a point of the table.

    Attributes:
        image_hw: (height, width), pixels.
        target: (x, y) on the table that is seen in the middle, mm.
        elevation: angle above the table, radians, below pi / 2.
        azimuth: direction in which the camera stands, radians.
        roll: turn around the viewing direction, radians.
        distance: to the target, mm.
        focal: focal length, pixels.
    """

    image_hw: tuple[int, int]
    target: tuple[float, float]
    elevation: float
    azimuth: float
    roll: float
    distance: float
    focal: float

    def position(self) -> np.ndarray:
        """Return where the camera is, float64 [(x, y, z)], mm."""
        flat = np.cos(self.elevation)
        direction = (
            flat * np.cos(self.azimuth),
            flat * np.sin(self.azimuth),
            np.sin(self.elevation),
        )
        return np.array([*self.target, 0.0]) + self.distance * np.array(direction)

    def matrix(self, scale: int = 1) -> np.ndarray:
        """Return the projection of world points, mm, to pixel centres.

        Args:
            scale: how many pixels stand for one of the image, along each side.

        Returns:
            float64 [3, 4].
        """
        position = self.position()
        forward = np.array([*self.target, 0.0]) - position
        forward /= np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        c, s = np.cos(self.roll), np.sin(self.roll)
        turned = np.stack([c * right + s * down, c * down - s * right, forward])
        height, width = self.image_hw
        lens = np.array(
            [
                [self.focal * scale, 0, (width * scale - 1) / 2],
                [0, self.focal * scale, (height * scale - 1) / 2],
                [0, 0, 1],
            ]
        )
        return lens @ turned @ np.column_stack([np.eye(3), -position])


def plane(matrix: np.ndarray, z: float) -> np.ndarray:
    """Return the homography of a plane parallel to the table.

    Args:
        matrix: float64 [3, 4], the camera's projection.
        z: height of the plane, mm.

    Returns:
        float64 [3, 3], from (x, y, 1) in mm to pixels.
    """
    return np.column_stack(
        [matrix[:, 0], matrix[:, 1], matrix[:, 2] * z + matrix[:, 3]]
    )


def project(matrix: np.ndarray, points: np.ndarray, z: float) -> np.ndarray:
    """Return where points of a plane are seen.

    Args:
        matrix: float64 [3, 4], the camera's projection.
        points: float [N, (x, y)], mm.
        z: height of the plane, mm.

    Returns:
        float64 [N, (x, y)], pixels.
    """
    image = np.column_stack([points, np.ones(len(points))]) @ plane(matrix, z).T
    return image[:, :2] / image[:, 2:]
