"""Models that leave their run: programs for torch and ONNX Runtime, bundles, and the Hugging Face hub."""
