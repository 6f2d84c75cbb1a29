"""Checkpoints to models that runtimes read: OpenVINO in FP32 and INT8, ONNX. Torch is loaded only by what converts.

Every exported model is a folder with `spec.json`; its input is uint8 BGR pictures of network size and its output unit
vectors, so that colour order and normalisation travel with it.
"""

from reid.export.int8 import Quantisation, export_openvino_int8
from reid.export.onnx import export_onnx
from reid.export.openvino import export_imagenet_mobilenetv2, export_openvino

__all__ = ["Quantisation", "export_imagenet_mobilenetv2", "export_onnx", "export_openvino", "export_openvino_int8"]
