"""The organs that mould liver and spleen."""

from __future__ import annotations

from fibrolens.phantom import organs, torso, vessels
from fibrolens.phantom.liver import widening
from fibrolens.phantom.patient import Patient
from fibrolens.phantom.shapes import Frame, Region


class Neighbours:
    """The organs that mould liver and spleen, evaluated once per frame."""

    def __init__(self, frame: Frame, patient: Patient, trunk: torso.Torso) -> None:
        self.patient = patient
        self.trunk = trunk
        self.kidneys = organs.kidneys(frame, patient)
        self.gallbladder = organs.gallbladder(frame, patient)
        self.vena_cava = vessels.vena_cava(frame, patient)
        self.portal = vessels.portal_trunk(frame, patient)
        self.aorta = vessels.aorta(frame, patient)
        self.back = frame.ellipsoid((6.0, 52.0, -100.0), (32.0, 42.0, 900.0))
        self.porta = frame.tube([(-2.0, -12.0, -124.0), (-20.0, -10.0, -106.0), vessels.HILUM], [17.0, 12.0, 7.0])

    def around_liver(self) -> list[tuple[Region, float]]:
        """What moulds the liver, with gaps; negative gaps clip."""
        lift = organs.ascites_gap(self.patient)
        skin = self.patient.rng("extraperitoneal fat").uniform(0.0, 1.0)
        around = [
            (self.trunk.cavity, -skin - lift), (self.trunk.dome, -skin - 0.8 - 0.7 * lift), (self.kidneys[0][0], 4.0),
            (self.vena_cava, 0.0), (self.portal, 1.0), (self.porta, 0.0), (self.back, 0.0), (self.aorta, 3.0),
        ]  # fmt: skip
        return around + ([(self.gallbladder, 5.0 * widening(self.patient))] if self.gallbladder else [])

    def around_spleen(self, liver: Region) -> list[tuple[Region, float]]:
        """What moulds the spleen, with gaps."""
        return [(liver, 0.5), (self.kidneys[1][0], 2.5), (self.back, 8.0)]
