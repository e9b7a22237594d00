"""Volumes from files and back: DICOM, NIfTI, NRRD and MetaImage in, NIfTI out."""

from fibrolens.io.labels import read_labels, read_mask, read_organs
from fibrolens.io.nifti import write_nifti
from fibrolens.io.reading import read_volume

__all__ = ["read_labels", "read_mask", "read_organs", "read_volume", "write_nifti"]
