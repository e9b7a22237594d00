"""A staged case without its patient: DICOM by the PS3.15 basic profile, and every other file told anew."""

from fibrolens.deidentify.case import deidentify_case

__all__ = ["deidentify_case"]
