import json

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d, pad

from nmcourse.analysis import ConvolutionOperator
from nmcourse.figures import interactive_convolution
from nmcourse.figures.convolving import CONVOLVING, _matrix

TEXTS = {"title": "A window", "alt": "A map and a matrix."}


def figure(image, kernels, start=(0, 0), **texts):
    return interactive_convolution(image, kernels, start=start, **TEXTS | texts)


def drawn(height, width, size):
    source = torch.Generator().manual_seed(height + size)
    image = torch.rand(height, width, generator=source).double()
    return image, torch.randn(size, size, generator=source).double()


@pytest.mark.parametrize(("height", "width", "size"), [(8, 8, 3), (5, 7, 5), (4, 4, 1)])
@pytest.mark.parametrize("ring", [False, True])
def test_matrix_and_map_in_the_page_equal_the_package(node, page_spec, height, width, size, ring):
    image, kernel = drawn(height, width, size)
    page = node(
        f"const spec = {json.dumps(page_spec(figure(image, {'one': kernel})))};"
        "const image = nmUnpack(spec.image), kernel = nmUnpack(spec.kernels)[0];"
        f"const matrix = nmConvolutionMatrix(kernel, {height}, {width}, {json.dumps(ring)});"
        "show({matrix: Array.from(matrix), made: Array.from(nmConvolved(matrix, image)),"
        "last: Array.from(nmProducts(matrix, image, image.length - 1))});",
        "arithmetic.js",
        *CONVOLVING,
    )
    matrix = np.array(page["matrix"]).reshape(height * width, -1)
    half = size // 2
    edged = pad(image[None, None], [half] * 4, mode="circular" if ring else "constant")
    wanted = conv2d(edged, kernel[None, None])[0, 0].flatten()
    np.testing.assert_allclose(page["made"], wanted, rtol=0, atol=1e-6)
    np.testing.assert_allclose(sum(page["last"]), wanted[-1], rtol=0, atol=1e-6)
    if not ring:
        dense = ConvolutionOperator(kernel[None, None], height, width).dense()
        np.testing.assert_allclose(matrix, dense, rtol=0, atol=1e-12)
        np.testing.assert_allclose(_matrix(kernel.numpy(), height, width), dense, atol=1e-12)


def test_squares_are_where_the_numbers_are(node):
    paths = node(
        "show(Array.from(nmSquares([0, 2, -2, 0, 2, 0], 3, 2)));", "arithmetic.js", *CONVOLVING
    )
    assert paths == [
        ["rgba(221,105,20,1.000)", "M1 0h1v1h-1zM1 1h1v1h-1z"],
        ["rgba(60,120,215,1.000)", "M2 0h1v1h-1z"],
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alt": " "}, "alt: .* is empty"),
        ({"image": np.zeros((13, 4))}, r"image: shape \(13, 4\); it needs 2 to 12"),
        ({"kernels": {}}, "kernels: is empty"),
        ({"kernels": {"k": np.ones((2, 2))}}, r"kernels\['k'\]: shape \(2, 2\) is not square"),
        ({"kernels": {"k": np.ones((5, 5))}}, r"kernels\['k'\]: 5 wide, but the map is"),
        ({"start": (0, 4)}, "start: column 4 is not one of 0 to 3"),
    ],
)
def test_what_cannot_be_shown_is_an_error(changes, message):
    given = {"image": np.eye(4), "kernels": {"k": np.ones((3, 3))}} | changes
    with pytest.raises(ValueError, match=message):
        figure(**given)
