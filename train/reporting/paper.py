"""The figures of the paper, to stand beside ours.

G. Liang and L. Zheng, "A transfer learning method with deep residual network for pediatric
pneumonia diagnosis", Computer Methods and Programs in Biomedicine 2019,
doi 10.1016/j.cmpb.2019.06.023, Table 1 and Fig. 7: the official test folder, 624 images.
"""

from __future__ import annotations

DOI = "10.1016/j.cmpb.2019.06.023"

PAPER = {
    "accuracy": 0.905,
    "precision": 0.891,
    "recall": 0.967,
    "specificity": 0.803,
    "f1": 0.927,
    "auc": 0.953,
}
"""The paper's own network. It gives no specificity: 0.803 follows from its recall (377 of 390) and
precision (46 false positives, so 188 of 234)."""

RIVALS = ("VGG16", "DenseNet121", "InceptionV3", "Xception")
"""The networks that the paper compares itself with. Their published figures are not at hand."""
