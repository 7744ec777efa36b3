"""The direction of a metric, as far as its name tells it."""

from __future__ import annotations

import re

_MORE_IS_BETTER = re.compile(
    r"acc(uracy)?|auc|auroc|ap|map|f1|f1score|fbeta|iou|miou|dice|jaccard|precision|recall|"
    r"sensitivity|specificity|r2|score|psnr|ssim|bleu|rouge|mcc|kappa|correlation|pearson|"
    r"spearman|reward|return|likelihood|elbo|top\d+"
)
_LESS_IS_BETTER = re.compile(
    r"loss|losses|error|err|mse|rmse|mae|mape|nll|bce|ce|perplexity|ppl|wer|cer|fid|kl|divergence|"
    r"distance|crossentropy"
)


def likely_direction(metric: str) -> str | None:
    """minimize or maximize, as the words of a metric's name tell; None where they do not."""
    words = re.split(r"[^a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", metric).lower())
    if any(_LESS_IS_BETTER.fullmatch(word) for word in words):
        return "minimize"
    if any(_MORE_IS_BETTER.fullmatch(word) for word in words):
        return "maximize"
    return None
