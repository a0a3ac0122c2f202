//! A real S3 server on loopback: real HTTP, signatures checked, objects in a folder.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::PrivateKeyDer;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

pub const BUCKET: &str = "photos";
pub const ACCESS_KEY_ID: &str = "AKIAEXAMPLE";
pub const SECRET_ACCESS_KEY: &str = "the secret of the test";

/// Serves until it is dropped.
pub struct S3Server {
    pub address: SocketAddr,
    _accepting: JoinSet<()>,
}

impl S3Server {
    /// A server with one bucket, at any port.
    pub async fn start(root: &Path) -> Self {
        Self::start_at(root, "127.0.0.1:0".parse().unwrap()).await
    }

    /// At a given port.
    pub async fn start_at(root: &Path, address: SocketAddr) -> Self {
        Self::serve(root, address, None).await
    }

    /// Over TLS as `localhost`; its certificate, in PEM, is its own authority.
    pub async fn start_tls(root: &Path) -> (Self, Vec<u8>) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let tls = TlsAcceptor::from(Arc::new(config));
        let server = Self::serve(root, "127.0.0.1:0".parse().unwrap(), Some(tls)).await;
        (server, made.cert.pem().into_bytes())
    }

    async fn serve(root: &Path, address: SocketAddr, tls: Option<TlsAcceptor>) -> Self {
        std::fs::create_dir_all(root.join(BUCKET)).unwrap();
        let mut builder = S3ServiceBuilder::new(FileSystem::new(root).unwrap());
        builder.set_auth(SimpleAuth::from_single(ACCESS_KEY_ID, SECRET_ACCESS_KEY));
        let service = builder.build();
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut accepting = JoinSet::new();
        accepting.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (service, tls) = (service.clone(), tls.clone());
                connections.spawn(async move {
                    let server = auto::Builder::new(TokioExecutor::new());
                    let Some(tls) = tls else {
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                        return;
                    };
                    if let Ok(stream) = tls.accept(stream).await {
                        let _ = server.serve_connection(TokioIo::new(stream), service).await;
                    }
                });
            }
        });
        Self {
            address,
            _accepting: accepting,
        }
    }

    /// Ends it with all its connections, and waits until its port is free.
    pub async fn stop(mut self) {
        self._accepting.shutdown().await;
    }
}
