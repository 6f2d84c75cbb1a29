"""The predictive density of travel times. Owns the mathematics of log-normal models learned online; holds no state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]

#: Added to every duration before its logarithm: durations near zero carry no more detail than this.
SHIFT_S = 0.5
#: Prior strength in observations: of the mean, and of the variance.
MEAN_STRENGTH = 1.0
VARIANCE_STRENGTH = 3.0


@dataclass(frozen=True, slots=True)
class StudentT:
    """Predictive density of a log-duration, arrays of one shape.

    Attributes:
        loc: Centre, log seconds.
        scale: Width.
        dof: Degrees of freedom.
        log_norm: Logarithm of the normalising constant.
    """

    loc: Floats
    scale: Floats
    dof: Floats
    log_norm: Floats

    def log_density(self, index: tuple[NDArray[np.intp], ...], seconds: Floats) -> Floats:
        """Log density per second of durations under the models picked by ``index``.

        Args:
            index: Index arrays into the model arrays, broadcasting to ``seconds``.
            seconds: Durations; negative ones count as 0.
        """
        shifted = np.maximum(seconds, 0.0) + SHIFT_S
        log_shifted = np.log(shifted)
        dof = self.dof[index]
        z = (log_shifted - self.loc[index]) / self.scale[index]
        density: Floats = self.log_norm[index] - 0.5 * (dof + 1) * np.log1p(z * z / dof) - log_shifted
        return density


def log_duration(seconds: float) -> float:
    """The scale on which durations are normal.

    >>> round(log_duration(0.5), 6)
    0.0
    """
    return float(np.log(max(seconds, 0.0) + SHIFT_S))


def predictive(moments: Floats, prior_mean: float, prior_sd: float) -> StudentT:
    """Posterior predictive of a normal with unknown mean and variance.

    Args:
        moments: float64 (..., 3): weighted count, sum and sum of squares of log-durations.
        prior_mean: Log-duration expected before any was seen.
        prior_sd: Its spread.

    Source: the conjugate normal-gamma model, e.g. Murphy, "Conjugate Bayesian analysis of the Gaussian distribution"
    (2007), section 3.
    """
    n, s1, s2 = moments[..., 0], moments[..., 1], moments[..., 2]
    mean = s1 / np.maximum(n, 1e-12)
    scatter = np.maximum(s2 - n * mean**2, 0.0)
    kappa = MEAN_STRENGTH + n
    loc = (MEAN_STRENGTH * prior_mean + s1) / kappa
    alpha = 0.5 * (VARIANCE_STRENGTH + n)
    shift = MEAN_STRENGTH * n * (mean - prior_mean) ** 2 / kappa
    beta = 0.5 * (VARIANCE_STRENGTH * prior_sd**2 + scatter + np.where(n > 0, shift, 0.0))
    dof = 2 * alpha
    scale = np.sqrt(beta * (kappa + 1) / (alpha * kappa))
    log_norm = gammaln(0.5 * (dof + 1)) - gammaln(0.5 * dof) - 0.5 * np.log(dof * np.pi) - np.log(scale)
    return StudentT(loc, scale, dof, log_norm)


def pooled_prior(moments: Floats, prior_mean: float, prior_sd: float) -> tuple[float, float]:
    """What all links together say about one that is not known yet.

    Args:
        moments: float64 (..., 3) as in :func:`predictive`.
        prior_mean: Before anything was seen.
        prior_sd: Before anything was seen.

    Returns:
        Mean and spread of log-durations; the spread never falls below half of ``prior_sd``, for a link may differ
        from all those known.
    """
    n, s1, s2 = (float(moments[..., i].sum()) for i in range(3))
    strength = 4.0
    mean = (strength * prior_mean + s1) / (strength + n)
    second = (strength * (prior_sd**2 + prior_mean**2) + s2) / (strength + n)
    return mean, float(np.sqrt(max(second - mean**2, (0.5 * prior_sd) ** 2)))
