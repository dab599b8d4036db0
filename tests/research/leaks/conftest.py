from fake_distributions import install

__all__ = ["install"]
