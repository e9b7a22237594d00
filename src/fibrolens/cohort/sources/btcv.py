"""BTCV, Beyond the Cranial Vault: 30 labelled CTs in portal venous phase."""

from __future__ import annotations

from fibrolens.cohort.columns import PORTAL
from fibrolens.cohort.sources.base import About
from fibrolens.cohort.sources.files import Layout
from fibrolens.cohort.sources.labelled import SERVES, LabelledSet

ABOUT = About(
    name="btcv",
    title="BTCV (Multi-Atlas Labeling Beyond the Cranial Vault, abdomen)",
    licence="terms of Synapse",
    citation="Landman B et al., MICCAI Multi-Atlas Labeling Beyond the Cranial Vault 2015, doi 10.7303/syn3193805",
    gives="no stages; CT, 30 with labels of 13 organs",
    needs="folders img and label",
    how=(
        "Synapse project syn3193805, with an account and its terms accepted: RawData.zip of the abdomen.",
        "pip install synapseclient, then: synapse get -r SYNAPSE_ID (the id of that file on the project's page).",
    ),
    assumes=(*SERVES, "All scans are portal venous, as the challenge states."),
    also_in=("AbdomenAtlas and CADS hold the CTs of BTCV.",),
)
SOURCE = LabelledSet(
    ABOUT,
    Layout.of(r"img/img(?P<case>\d{4})", r"label/label(?P<case>\d{4})", "img/img0001.nii.gz"),
    "btcv",
    "btcv",
    PORTAL,
).source()
