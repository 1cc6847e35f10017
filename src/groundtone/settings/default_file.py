"""What `groundtone init` writes: every setting by name, with its default, commented out."""

DEFAULT_FILE = """\
# Settings of this workspace. Lines that begin with "# name =" show the defaults;
# remove the "# " to change one. GROUNDTONE_SECTION__NAME in the environment wins.

[sync]
# include = []                 # globs; empty: every supported kind. "*.md", "guide/**"
# exclude = []                 # globs that win over include
# gitignore = true             # honour .gitignore files
# max_bytes = 100000000        # larger files are listed as failed
# read_seconds = 90            # so are files that take longer to read
# read_mb = 2048               # or need more megabytes of memory

[web]
# include = []                 # globs on the paths of pages in a sitemap: "guide/**"
# exclude = []                 # globs that win over include
# max_pages = 1000             # taken from one sitemap
# max_bytes = 20000000         # larger pages are listed as failed
# seconds = 30                 # for one page
# redirects = 5                # followed for one page
# delay = 0.2                  # seconds between two requests to one host
# allow_private = false        # reach private networks and this machine
# recheck = 900                # seconds between two looks of sync --watch

[s3]
# endpoint = ""                # of a server that is not AWS's: "https://host:9000"
# region = ""                  # empty: as AWS_REGION or ~/.aws/config says
# anonymous = false            # use no keys: for public buckets

[gs]
# endpoint = ""                # of a server that is not Google's: "https://host:4443"
# anonymous = false            # use no keys: for public buckets

[az]
# account = ""                 # empty: as AZURE_STORAGE_ACCOUNT says
# endpoint = ""                # of a server that is not Azure's: "https://host:10000"

[chunking]
# min_tokens = 256             # a passage, in tokens of the embedding model
# max_tokens = 1024
# window_tokens = 128          # what is embedded at once: finer parts of a passage

[embedding]
# model = "all-minilm-l6-v2"
# threads =                    # a number; not set: what the machine has

[catalog]
# url = ""                     # postgresql://user@host/database, shared by several machines

[index]
# store = "lancedb"            # or "chroma", "pgvector", "qdrant", "weaviate", "pinecone"
# url = ""                     # of its server, or "s3://BUCKET/PREFIX" for lancedb; empty: here
# collection = "groundtone"    # its name there

[retrieval]
# k = 5                        # passages for a question
# candidates = 100             # windows taken from each search before they are fused
# fusion = "learned"           # or "weighted", "ranks", "vectors", "words"
# dense_weight = 0.2           # of "weighted"; 0: only words, 1: only vectors
# reranker = ""                # folder of a cross-encoder, ONNX or Transformers
# rerank = 20                  # passages that it reads
# refuse_below = -1.0          # cosine of the best passage under which a question is refused;
#                              # -1 leaves it to evidence_below
# tuned = true                 # use what `groundtone tune retriever` put to use
# processes = 0                # that search for many callers at once; 0: the one that is asked

[chat]
# model = "smollm2-135m-instruct"
# context_tokens = 4096
# max_tokens = 256             # longest answer
# threads =                    # a number; not set: what the machine has
# parallel =                   # answers written at once; not set: 1, or 4 by a remote server
# timeout = 120                # seconds without a byte from a remote server
# fleet = ""                   # servers that answer instead: "http://host:8000/v1#NAME"
# unproven = "refuse"          # a tuned model they serve otherwise than trained; or "local"
# aliases = []                 # further names of the base, for programs that ask for theirs

[tuning]
# processes = 1                # that train together on this machine
# launcher = ""                # or what starts them: "torchrun --nnodes 2 --nproc-per-node 8 …"

[answer]
# system = "You are a precise assistant. Answer from the documentation."
# label = "[{n}]"              # citation; may use {n} {title} {section} {document} {page}
# refusal = "The documents do not answer this question."
# passages = 3                 # passages shown to the chat model
# passage_tokens = 240         # room for one passage in the prompt
# check = "strict"             # sentences that no passage supports go; "mark" shows them; "off"
# checker = ""                 # a model that gives support: "nli:FOLDER", or "chat" to judge
# support_below = 0.5          # support (0 to 1) under which a sentence counts as unsupported
# mark = "[not in the documents]"
# retry = false                # strict: show the model what was dropped and ask once more
# rescue = "The documentation says: “{quote}”"   # strict, nothing supported; "" refuses
# evidence_below = 0.2         # evidence (0 to 1) under which a question is refused
# orders = "cut"               # text in documents that orders the model about; or "keep"
# history_tokens = 600         # how much of a conversation is remembered

[server]
# max_body_mb = 20             # of a request to `groundtone serve`
# max_upload_mb = 512          # of one that brings a file
# request_seconds = 600        # an answer that takes longer is cut off
# waiting = 256                # answers that may wait for their turn
# public_url = ""              # where people reach the pages, if not where programs reach the API
# cors_origins = []            # web origins whose pages may call the API: "https://example.org"

[scale]
# ray = ""                     # a cluster that reads and embeds: "auto", "ray://host:10001"
# embedders =                  # a number; not set: one for each of its processors
# readers =                    # files read at a time; not set: as many as embedders

# What documents cannot say of themselves, by their paths; the table may be repeated:
#   [[attributes]]
#   path = "hr/**"             # glob under the source
#   groups = ["hr"]            # who may see them; other names can be asked for with --where

# What one collection (sync --collection NAME) has otherwise than [sync] and [chunking]:
#   [collections.NAME.sync]
#   include = ["*.md"]         # also exclude, gitignore, max_bytes
#   [collections.NAME.chunking]
#   max_tokens = 512           # also min_tokens, window_tokens
"""
