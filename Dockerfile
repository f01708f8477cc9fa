# JupyterLab with the notebooks, for one person. Never built yet: there was no Docker where it was
# written. It follows the steps of `make install`, which are tested on Linux (x86-64), Python 3.11.
#
#   docker build -t click-course .
#   docker run --rm -p 127.0.0.1:8888:8888 click-course       then open the address that it prints
#
# For a class with JupyterHub: docker build --build-arg MORE=jupyterhub -t click-course .
# notebooks/instructor/hosts.md says how a hub uses it.
FROM python:3.11-slim

RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

COPY . /opt/course
WORKDIR /opt/course
ARG MORE=""
RUN pip install --no-cache-dir -c constraints.txt ".[voila]" $MORE

RUN useradd --create-home --home-dir /srv/student student
USER student
WORKDIR /srv/student
EXPOSE 8888
CMD ["python", "-m", "tutorial_lib", "lab", "--folder", "course", "--no-browser", "--ServerApp.ip=0.0.0.0"]
