"""Small clips whose frames carry their own number."""

import threading
from fractions import Fraction

import av
import numpy as np
import pytest

BITS = 8
BLOCK = 16


def _numbered_frame(number, height=48, width=BITS * BLOCK):
    """A frame whose top row of blocks spells `number` in black and white."""
    frame = np.full((height, width, 3), 128, np.uint8)
    for bit in range(BITS):
        frame[:BLOCK, bit * BLOCK : (bit + 1) * BLOCK] = 255 * (number >> bit & 1)
    return frame


def _number_of(frame):
    centres = frame[BLOCK // 2, BLOCK // 2 : BITS * BLOCK : BLOCK, 0]
    return sum(int(grey > 128) << bit for bit, grey in enumerate(centres))


def _encode_sound(container, stream, seconds, rate):
    for start in range(0, int(seconds * rate), 1024):
        wave = np.sin(np.arange(start, start + 1024) * 2 * np.pi * 440 / rate)
        frame = av.AudioFrame.from_ndarray(
            wave[None].astype(np.float32), format="fltp", layout="mono"
        )
        frame.sample_rate, frame.pts = rate, start
        frame.time_base = Fraction(1, rate)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


@pytest.fixture
def numbered_frame():
    return _numbered_frame


@pytest.fixture
def number_of():
    return _number_of


@pytest.fixture
def make_clip(tmp_path):
    """Write a clip with PyAV alone, so that nothing tested makes its own input."""

    def make(
        name="clip.mp4",
        frames=20,
        fps=Fraction(25),
        codec="libx264",
        sound=None,
        rotation=None,
        times=None,
        options=None,
        time_base=None,
        key_every=None,
        pix_fmt="yuv420p",
    ):
        if isinstance(frames, int):
            frames = [_numbered_frame(i) for i in range(frames)]
        path = tmp_path / name
        with av.open(str(path), "w", options=options or {}) as container:
            stream = container.add_stream(codec, rate=fps)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = pix_fmt
            if time_base is not None:
                stream.codec_context.time_base = time_base
            if key_every is not None:
                stream.codec_context.gop_size = key_every
            if rotation is not None:
                stream.set_display_rotation(rotation)
            if sound is not None:
                audio = container.add_stream(sound, rate=16000, layout="mono")
            for i, array in enumerate(frames):
                frame = av.VideoFrame.from_ndarray(array, "rgb24")
                frame.pts = i if times is None else times[i]
                frame.time_base = time_base or 1 / fps
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
            if sound is not None:
                _encode_sound(container, audio, len(frames) / fps, 16000)
        return path

    return make


@pytest.fixture
def within_seconds():
    """Call something in a thread and fail, instead of waiting for ever, if it hangs."""

    def call(function, *args, seconds=30, **kwargs):
        outcome = {}

        def target():
            try:
                outcome["value"] = function(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - raised again below
                outcome["error"] = error

        thread = threading.Thread(target=target, daemon=True)
        thread.start()
        thread.join(seconds)
        assert not thread.is_alive(), f"still running after {seconds} s"
        if "error" in outcome:
            raise outcome["error"]
        return outcome["value"]

    return call


@pytest.fixture
def random_frames():
    """Frames that compress badly, so that a piece cut from the file is missed."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(40)]
