"""Speech to text by Moonshine, on onnxruntime."""
