"""Write tiny ONNX files with the inputs and outputs of published ones, without a library.

An ONNX file is a protocol buffer: fields with numbers, which onnx.proto names.
"""

import numpy as np

FLOAT, INT64 = 1, 7
THRESHOLDS = (0.3, 0.5, 0.7)
WORTH = (0.001, 0.003, 0.002)  # predicted IoU of each mask for a mean coordinate of 1


def varint(value):
    value %= 1 << 64
    low, value = value & 127, value >> 7
    return bytes([low | 128]) + varint(value) if value else bytes([low])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(number, values):
    return b"".join(field(number, value) for value in values)


def value_info(name, shape, kind=FLOAT):
    sizes = (field(2, size) if isinstance(size, str) else field(1, size) for size in shape)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, fields(1, sizes))))


def constant(name, values):
    values = np.asarray(values)
    whole = values.dtype.kind == "i"
    data = values.astype(np.int64 if whole else np.float32).tobytes()
    kind = INT64 if whole else FLOAT
    return fields(1, values.shape) + field(2, kind) + field(8, name) + field(9, data)


def attribute(name, value):
    if isinstance(value, str):
        return field(1, name) + field(4, value) + field(20, 3)
    if isinstance(value, int):
        return field(1, name) + field(3, value) + field(20, 2)
    return field(1, name) + fields(8, value) + field(20, 7)


def node(kind, inputs, output, **attributes):
    named = fields(5, [attribute(*item) for item in attributes.items()])
    return fields(1, inputs) + field(2, output) + field(3, output) + field(4, kind) + named


def write(path, inputs, outputs, constants, nodes):
    graph = fields(1, nodes) + field(2, "tiny") + fields(5, [constant(*c) for c in constants])
    graph += fields(11, [value_info(*i) for i in inputs])
    graph += fields(12, [value_info(*o) for o in outputs])
    path.write_bytes(field(1, 8) + field(7, graph) + field(8, field(1, "") + field(2, 13)))
    return path


def resize(inputs, output):
    return node("Resize", [inputs[0], "", "", inputs[1]], output, mode="linear",
                coordinate_transformation_mode="half_pixel")  # fmt: skip


GREY = [node("ReduceMean", ["batched_images"], "grey", axes=[1], keepdims=1)]
IMAGE = ("batched_images", (1, 3, "height", "width"))


def efficient_sam(folder, side=None):
    """Write EfficientSAM's two files; with a side, one file of this fixed size as OpenCV Zoo has.

    The masks are the photo above three thresholds. The predicted IoU tells what points were read.
    """
    score = [
        node("ReduceMean", ["batched_point_coords"], "place", axes=[2, 3], keepdims=0),
        node("Unsqueeze", ["place", "last"], "where"),
        node("Mul", ["where", "worth"], "scored"),
        node("ReduceMean", ["batched_point_labels"], "label", axes=[2], keepdims=1),
        node("Add", ["scored", "label"], "iou_predictions"),
    ]
    masks = [
        node("Sub", ["image_embeddings", "thresholds"], "low"),
        resize(["low", "sizes"], "large"),
        node("Unsqueeze", ["large", "first"], "output_masks"),
    ]
    constants = [
        ("thresholds", np.reshape(THRESHOLDS, (1, 3, 1, 1))),
        ("worth", np.reshape(WORTH, (1, 1, 3))),
        ("last", [2]),
        ("first", [0]),
    ]
    outputs = [("output_masks", (1, 1, 3, "h", "w")), ("iou_predictions", (1, 1, 3))]
    count = 6 if side else "points"
    points = [
        ("batched_point_coords", (1, 1, count, 2)),
        ("batched_point_labels", (1, 1, count)),
    ]
    if side:
        inputs = [("batched_images", (1, 3, side, side)), *points]
        copied = [node("Identity", ["grey"], "image_embeddings")]
        whole = [*constants, ("sizes", [1, 3, side, side])]
        nodes = [*GREY, *copied, *masks, *score]
        return [write(folder / "whole.onnx", inputs, outputs, whole, nodes)]
    encoder = write(
        folder / "encoder.onnx",
        [IMAGE],
        [("image_embeddings", (1, 1, 64, 64))],
        [("grid", [1, 1, 64, 64])],
        [*GREY, resize(["grey", "grid"], "image_embeddings")],
    )
    decoder = write(
        folder / "decoder.onnx",
        [("image_embeddings", (1, 1, 64, 64)), *points, ("orig_im_size", (2,), INT64)],
        outputs,
        [*constants, ("start", [1, 3])],
        [node("Concat", ["start", "orig_im_size"], "sizes", axis=0), *masks, *score],
    )
    return [encoder, decoder]


def mobile_sam(folder, planes=False):
    """Write an encoder of MobileSAM, and the decoder of Segment Anything with its four masks.

    With ``planes``, the encoder reads a normalised photo ``(1, 3, 1024, 1024)``, else pixels.
    """
    shape = (1, 3, 1024, 1024) if planes else (1024, 1024, 3)
    mean = [node("ReduceMean", ["input_image"], "grey", axes=[1], keepdims=1)]
    grey = [
        node("ReduceMean", ["input_image"], "flat", axes=[2], keepdims=0),
        node("Mul", ["flat", "spread"], "wide"),
        node("Sub", ["wide", "middle"], "normal"),
        node("Unsqueeze", ["normal", "front"], "grey"),
    ]
    encoder = write(
        folder / "mobile.encoder.onnx",
        [("input_image", shape)],
        [("image_embeddings", (1, 1, 64, 64))],
        [("grid", [1, 1, 64, 64]), ("spread", [1 / 57]), ("middle", [2.1]), ("front", [0, 1])],
        [*(mean if planes else grey), resize(["grey", "grid"], "image_embeddings")],
    )
    decoder = write(
        folder / "sam.decoder.onnx",
        [
            ("image_embeddings", (1, 1, 64, 64)),
            ("point_coords", (1, "points", 2)),
            ("point_labels", (1, "points")),
            ("mask_input", (1, 1, 256, 256)),
            ("has_mask_input", (1,)),
            ("orig_im_size", (2,)),
        ],
        [("low_res_masks", (1, 4, 256, 256)), ("iou_predictions", (1, 4))],
        [
            ("thresholds", np.reshape((0.2, -0.5, 0, 0.5), (1, 4, 1, 1))),
            ("worth", np.reshape((0.0, *WORTH), (1, 4))),
            ("grid", [1, 4, 256, 256]), ("last", [1]),
        ],
        [
            node("Sub", ["image_embeddings", "thresholds"], "low"),
            resize(["low", "grid"], "low_res_masks"),
            node("ReduceMean", ["point_coords"], "place", axes=[1, 2], keepdims=0),
            node("Unsqueeze", ["place", "last"], "where"),
            node("Mul", ["where", "worth"], "scored"),
            node("ReduceMean", ["point_labels"], "label", axes=[1], keepdims=1),
            node("Add", ["scored", "label"], "iou_predictions"),
        ],
    )  # fmt: skip
    return [encoder, decoder]
