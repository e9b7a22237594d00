"""A DICOM node: studies come in from a PACS and go back as objects, by the DICOM network or by DICOMweb."""
