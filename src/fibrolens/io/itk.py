"""NRRD and MetaImage (``.mha``, ``.mhd``), read through SimpleITK."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813
from jaxtyping import Shaped

from fibrolens.errors import GeometryError, InputError
from fibrolens.volume import Geometry


def read_itk(path: Path) -> tuple[Shaped[np.ndarray, "d h w"], Geometry]:
    """Voxel values and grid of an NRRD or MetaImage file.

    Raises:
        InputError: the file is damaged, or is not one scalar three-dimensional volume.
        GeometryError: its axes are not at right angles.
    """
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read, it is damaged or something else; convert it again.") from error
    if image.GetDimension() == 4 and image.GetSize()[3] == 1:
        image = image[..., 0]
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(
            f"{path.name} has size {image.GetSize()} with {image.GetNumberOfComponentsPerPixel()} values per voxel; "
            "give one three-dimensional volume of plain numbers."
        )
    try:
        return sitk.GetArrayFromImage(image), itk_geometry(image)
    except GeometryError as error:
        raise GeometryError(f"{path.name}: {error}") from None


def itk_geometry(image: sitk.Image) -> Geometry:
    """The grid of a three-dimensional SimpleITK image; both sides count in LPS millimetres."""
    affine = np.eye(4)
    affine[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    columns, rows, slices = image.GetSize()
    return Geometry.from_affine((slices, rows, columns), affine[:, [2, 1, 0, 3]])
