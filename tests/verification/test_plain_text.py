"""LaTeX as one line of Unicode: brackets where it would be misread, nothing of LaTeX left."""

import pytest
from sharprates.theory.registry import CLAIMS
from sharprates.verification.plain_text import readable, readable_formula


@pytest.mark.parametrize(
    ("latex", "shown"),
    [
        (r"\mathrm{TV}(p_{\mathrm{out}},q_0) \le \frac d4", "TV(p_out,q₀) ≤ d/4"),
        (r"\frac1{2K}(1+\frac d{5K})", "1/(2K) (1+d/(5K))"),
        (r"\frac{d(d+1)h}4", "d(d+1)h/4"),
        (r"\frac{a+b}c", "(a+b)/c"),
        (r"\frac{-\alpha'}{\alpha}\sum_i x_i", "(−α′)/α Σᵢ xᵢ"),
        (r"\frac12\sqrt{e\bar I}", "½√(eĪ)"),
        (r"\sqrt{\bar I/2}+\sqrt d", "√(Ī/2)+√d"),
        (r"1-(1-w_\infty)^d", "1−(1−w_∞)ᵈ"),
        (r"e^{- d h_m}", "e^(−d hₘ)"),
        (r"e^{- T}", "e⁻ᵀ"),
        (r"\sum_{n=0}^{d-2}\beta_nP_n", "Σ_(n = 0)ᵈ⁻² βₙPₙ"),
        (r"\mathbb E\,\mathrm{TV}(p_i,\hat p_i)", "E TV(pᵢ,p̂ᵢ)"),
        (r"\mathbb E_\sigma\mathrm{KL}", "E_σ KL"),
        (r"d\min\{\log S,x\}", "d min{log S,x}"),
        (r"\max_kw_k\,\bar I", "maxₖ wₖ Ī"),
        (r"\left\lfloor{\frac{d}{g}}\right\rfloor", "⌊d/g⌋"),
        (r"\log{\left(S \right)}", "log(S)"),
        (r"\binom{d}{2}", "C(d,2)"),
        (r"S^{-\mathrm{excess}}", "S^(−excess)"),
        (r"\varepsilon_{\mathrm{FHS}}:=x", "ε_FHS := x"),
    ],
)
def test_formulas(latex: str, shown: str) -> None:
    assert readable_formula(latex) == shown


def test_words_around_formulas_stay() -> None:
    assert readable(r"Let $S\ge2$, and $\eta$ be  small.") == "Let S ≥ 2, and η be small."


@pytest.mark.parametrize("claim_id", CLAIMS)
def test_nothing_of_latex_is_left(claim_id: str) -> None:
    one = CLAIMS[claim_id]
    forms = [readable_formula(one.formula(form)) for form in (None, *one.variants)]
    for text in (readable(one.statement), *forms):
        assert not set(text) & set("\\$")
        assert text.count("(") == text.count(")")
        assert "  " not in text


def test_a_new_command_is_an_error_not_a_guess() -> None:
    with pytest.raises(KeyError, match="unheard"):
        readable_formula(r"\unheard x")
