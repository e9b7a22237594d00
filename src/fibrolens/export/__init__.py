"""The networks for other programs: ONNX, MONAI bundle, model card."""
