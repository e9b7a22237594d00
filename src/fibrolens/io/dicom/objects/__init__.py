"""DICOM objects of a result, made with highdicom: segmentation, Parametric Map, structured report, colour pictures.

They know the source's headers and plain values, never where a result comes from.
"""
