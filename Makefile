# make demo   train, evaluate and predict on the data set that ships; no download
# make test   the test suite
# make test-slow   its slow ones: other backends, several devices, large backbones
# make notebooks   the notebooks of samples/, with trainings of a few steps
# make lint   ruff
# Each makes its own virtual environment first, once.

PYTHON ?= python3
VENV ?= .venv
OUTPUT ?= output
bin := $(VENV)/bin
installed := $(VENV)/.installed

# Small enough for two CPU cores.
DEMO_MODEL := --weights=none --backbone=resnet18 --image-size=192 --batch=4 \
	--set=OPTIMIZER=adamw --set=LEARNING_RATE_SCHEDULE=cosine \
	--set=TOP_DOWN_PYRAMID_SIZE=128 --set=FPN_CLASSIF_FC_LAYERS_SIZE=256 \
	--set="RPN_ANCHOR_SCALES=(40, 56, 80, 112, 160)" --set=TRAIN_ROIS_PER_IMAGE=16 \
	--set=RPN_TRAIN_ANCHORS_PER_IMAGE=64 --set=POST_NMS_ROIS_TRAINING=300
DEMO_SCHEDULE := --layers=all --steps=65 --epochs=8 --lr=0.001
DEMO_LOGS := $(OUTPUT)/logs

.PHONY: demo test test-slow notebooks lint
.DEFAULT_GOAL := test

$(installed): requirements.txt pyproject.toml setup.py
	$(PYTHON) -m venv $(VENV)
	$(bin)/python -m pip install --quiet --upgrade pip
	$(bin)/python -m pip install --quiet -r requirements.txt -e ".[test]"
	@$(bin)/python -c "import cv2" || { echo "OpenCV cannot start. On Debian and Ubuntu: apt-get install libgl1 libglib2.0-0"; exit 1; }
	touch $@

demo: $(installed)
	$(bin)/python samples/remote/train.py $(DEMO_MODEL) $(DEMO_SCHEDULE) --logs=$(DEMO_LOGS)
	$(bin)/python samples/remote/evaluate.py --logs=$(DEMO_LOGS) --output=$(OUTPUT)/evaluation
	$(bin)/python samples/remote/predict_image.py datasets/remote/val --logs=$(DEMO_LOGS) --output=$(OUTPUT)
	$(bin)/python samples/remote/predict_video.py datasets/remote/clip.mp4 --logs=$(DEMO_LOGS) --output=$(OUTPUT)
	@echo "Pictures: $(OUTPUT)/*_masks.jpg   Video: $(OUTPUT)/clip_masks.mp4   Scores: $(OUTPUT)/evaluation/evaluation.html"

pytest := $(bin)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder

test: $(installed)
	$(pytest) -m "not slow" --durations=20

test-slow: $(installed)
	$(pytest) -m slow --durations=20

notebooks: $(installed)
	$(bin)/python tests/run_notebooks.py --steps=4 --jobs=2

lint: $(installed)
	$(bin)/ruff check .
	$(bin)/ruff format --check .
