"""A Celery worker's jobs; the broker is a folder."""

import os

import celery
import work

folders = {"data_folder_in": os.environ["QUEUE"], "data_folder_out": os.environ["QUEUE"]}
app = celery.Celery("jobs", broker="filesystem://", broker_transport_options=folders)
app.conf.worker_hijack_root_logger = False


@app.task
def job():
    work.run()


def send():
    for _ in range(4):
        job.delay()
