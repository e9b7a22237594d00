"""DICOM in: files to instances, instances to frames, frames to one volume."""
