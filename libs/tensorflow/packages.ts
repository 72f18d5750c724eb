/** A file of a public package registry, pinned: the registry's own client fetches it by name, and what arrives must have this digest. */
export type Package = {
  readonly client: "pip" | "npm";
  readonly name: string;
  readonly version: string;
  /** What the client calls the file. */
  readonly file: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
  readonly bytes: number;
};

/** The two builds of TensorFlow that there are: for processors alone, and for NVIDIA's accelerators too. */
export type Variant = "tensorflow" | "tensorflow-gpu";

/** What a variant is made of. */
export type Parts = {
  /** TensorFlow's version. */
  readonly version: string;
  /** Counts up when it is installed in another way: then what is there counts as nothing, and is made anew. */
  readonly revision: number;
  /** The wheels: the first has TensorFlow's libraries and headers, the others what it loads. */
  readonly wheels: readonly Package[];
  /** Bytes on the disk once it is installed. */
  readonly installedBytes: number;
};

const pip = (name: string, version: string, tag: string, sha256: string, bytes: number): Package => {
  const file = `${name.replaceAll("-", "_")}-${version}-${tag}.whl`;
  return { client: "pip", name, version, file, sha256, bytes };
};

const MANYLINUX_2010 = "py3-none-manylinux2010_x86_64.manylinux_2_12_x86_64";
const MANYLINUX_2014 = "py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64";
const MANYLINUX_2_27 = "py3-none-manylinux_2_27_x86_64";

/** TensorFlow's binding to Node-API, of which the source is compiled as it is; and the headers of Node-API. */
export const binding: Package = {
  client: "npm",
  name: "@tensorflow/tfjs-node",
  version: "4.22.0",
  file: "tensorflow-tfjs-node-4.22.0.tgz",
  sha256: "d38a448a705efc6e655a080f896b3af646ae39dffbfe9c90b06cb9fc3a2b9358",
  bytes: 228_166,
};
export const headers: Package = {
  client: "npm",
  name: "node-api-headers",
  version: "1.9.0",
  file: "node-api-headers-1.9.0.tgz",
  sha256: "6cbfac49542194ae2c8f1dee5fa2dc00d66bec9cbf3b59e3a4e5f16d14eb0d19",
  bytes: 16_974,
};

/** A C++ compiler for machines without one. */
export const compiler: Package = pip(
  "ziglang",
  "0.13.0",
  "py3-none-manylinux_2_12_x86_64.manylinux2010_x86_64.musllinux_1_1_x86_64",
  "3ce0c9f16547e5d61b32e0d226926e9a2552ef4b91fccf7ab5ea1a623a77824b",
  80_896_325,
);

/**
 * Version 2.15 is the one that is measured here on processors; for accelerators it is 2.21, the first that has native code for compute
 * capability 9.0. The wheels are those of one version of Python, whose part of them is not used.
 */
export const variants: Readonly<Record<Variant, Parts>> = {
  tensorflow: {
    version: "2.15.1",
    revision: 1,
    wheels: [
      pip(
        "tensorflow-cpu",
        "2.15.1",
        "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64",
        "54660c074d7241a503e81edfd9f5ef5af88f64051b72e2945f26318c790f2d26",
        207_208_420,
      ),
    ],
    installedBytes: 615_000_000,
  },
  "tensorflow-gpu": {
    version: "2.21.0",
    revision: 2,
    wheels: [
      pip(
        "tensorflow",
        "2.21.0",
        "cp311-cp311-manylinux_2_27_x86_64",
        "9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124",
        572_440_367,
      ),
      pip(
        "nvidia-cublas-cu12",
        "12.9.3.13",
        MANYLINUX_2_27,
        "d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72",
        581_217_458,
      ),
      pip(
        "nvidia-cuda-cupti-cu12",
        "12.8.90",
        MANYLINUX_2014,
        "ea0cb07ebda26bb9b29ba82cda34849e73c166c18162d3913575b0c9db9a6182",
        10_248_621,
      ),
      pip(
        "nvidia-cuda-nvcc-cu12",
        "12.9.86",
        MANYLINUX_2010,
        "5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0",
        40_546_229,
      ),
      pip(
        "nvidia-cuda-nvrtc-cu12",
        "12.9.86",
        MANYLINUX_2010,
        "210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4",
        89_568_129,
      ),
      pip(
        "nvidia-cuda-runtime-cu12",
        "12.9.79",
        MANYLINUX_2014,
        "25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3",
        3_493_179,
      ),
      pip(
        "nvidia-cudnn-cu12",
        "9.28.0.42",
        MANYLINUX_2_27,
        "9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375",
        716_538_495,
      ),
      pip("nvidia-cufft-cu12", "11.4.1.4", MANYLINUX_2014, "c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28", 200_877_592),
      pip(
        "nvidia-curand-cu12",
        "10.3.10.19",
        MANYLINUX_2_27,
        "49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e",
        68_295_626,
      ),
      pip(
        "nvidia-cusolver-cu12",
        "11.7.5.82",
        MANYLINUX_2_27,
        "15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88",
        338_117_415,
      ),
      pip(
        "nvidia-cusparse-cu12",
        "12.5.10.65",
        MANYLINUX_2014,
        "73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78",
        366_465_088,
      ),
      pip("nvidia-nccl-cu12", "2.32.3", MANYLINUX_2_27, "bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c", 351_526_311),
      pip(
        "nvidia-nvjitlink-cu12",
        "12.9.86",
        MANYLINUX_2010,
        "e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9",
        39_748_338,
      ),
    ],
    installedBytes: 6_500_000_000,
  },
};
