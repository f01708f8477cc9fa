from .candidate_picker import CandidatePicker as CandidatePicker
from .click_canvas import ClickCanvas as ClickCanvas
from .compare import Compare as Compare
from .guidance_canvas import GuidanceCanvas as GuidanceCanvas
from .loss_curve import LossCurve as LossCurve
from .quiz import Quiz as Quiz
from .sliders import Explorer as Explorer
from .sliders import Frames as Frames
