"""Hibari: a natural English voice in a small package, on onnxruntime and numpy (Apache-2.0)."""
