"""What the files in the folder of one staged scan are called."""

RESULT = "result.json"
REPORT, PRINTED = "report.html", "report.pdf"
#: Of the map that was asked for, and of the recommended one where that is another.
OVERLAYS = ("overlay.png", "overlay_recommended.png")
MAP, RECOMMENDED_MAP, LABELS, MAPS = "map.nii.gz", "map_recommended.nii.gz", "labels.nii.gz", "maps"
DICOM = "dicom"
#: Everything that the folder of a scan holds beside its manifest.
WRITTEN = (RESULT, REPORT, PRINTED, *OVERLAYS, MAP, RECOMMENDED_MAP, LABELS, MAPS, DICOM)
