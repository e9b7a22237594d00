"""Which tissue a kernel is for."""

import pytest

from fibrolens.io.dicom.kernels import kernel_kind, written_kernel

SOFT = ["B30f", "B31s", "I40f, 3", "Br40d, 3", "Bf37", "Qr40", "STANDARD", "SOFT", "DETAIL", "FC08", "FC13", "FC03",
        "B_SOFT_C", "BodyRoutine", "STND"]  # fmt: skip
SHARP = ["B70f", "B60s", "I70f, 3", "Br59d", "Bl57", "LUNG", "BONE", "BONEPLUS", "EDGE", "FC30", "FC52", "FC81",
         "B_SHARP_C", "YA", "YB", "HD LUNG"]  # fmt: skip


def test_soft_tissue_kernels():
    assert [k for k in SOFT if kernel_kind(k) != "soft"] == []


def test_lung_and_bone_kernels():
    assert [k for k in SHARP if kernel_kind(k) != "sharp"] == []


@pytest.mark.parametrize(
    ("kernel", "kind"), [("A", "soft"), ("B", "soft"), ("C", "soft"), ("D", "sharp"), ("L", "sharp")]
)
def test_single_letters_are_those_of_philips(kernel, kind):
    assert kernel_kind(kernel, "Philips Medical Systems") == kind
    assert kernel_kind(kernel, "Another") == "unknown"


@pytest.mark.parametrize("kernel", ["", "T20s", "XYZ"])
def test_other_kernels_are_unknown(kernel):
    assert kernel_kind(kernel) == "unknown"


@pytest.mark.parametrize(
    ("text", "kernel"),
    [("P.Venous  3.0  B40f", "b40f"), ("VENOUS_3_0_Bf40_3", "bf40"), ("Body 7.0 CE FC08", "fc08"), ("ABD 5.0", "")],
)
def test_the_kernel_that_a_description_ends_with(text, kernel):
    assert written_kernel(text) == kernel
