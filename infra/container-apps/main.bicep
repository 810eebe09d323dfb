// Outside Foundry: replicas of the agent server on Azure Container Apps that share their
// conversations in Azure Managed Redis. Callers come with the API key; Redis, the registry and
// the model are reached by the app's own identity.
targetScope = 'resourceGroup'

@description('Region of all resources.')
param location string = resourceGroup().location

@description('What the names of resources begin with.')
@minLength(3)
@maxLength(20)
param name string = 'voicelive-agent'

@description('The image, as registry/name:tag, built for linux/amd64.')
param image string

@description('Name of the container registry in this resource group; empty for a public image.')
param registryName string = ''

@description('What callers send as `api-key`.')
@secure()
@minLength(16)
param apiKey string

@description('Who answers: package.module:attribute, or model.')
param agent string = 'app.agent:reply'

@description('Settings besides, as in .env.example: a list of name and value.')
param settings array = []

@description('Replicas that always run. One is a single point of failure.')
@minValue(1)
param minReplicas int = 2

@description('Replicas at most.')
@minValue(1)
param maxReplicas int = 10

@description('Running turns for which a replica is added.')
@minValue(1)
param turnsPerReplica int = 50

@description('How long running turns may go on when a replica is stopped, in seconds.')
@minValue(0)
@maxValue(500)
param shutdownGraceSeconds int = 25

@description('Size of Redis.')
param redisSkuName string = 'Balanced_B0'

@description('How long logs are kept, in days.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

var token = toLower(uniqueString(resourceGroup().id, name))
var acrPull = subscriptionResourceId(
  'Microsoft.Authorization/roleDefinitions',
  '7f951dda-4ed3-4680-a7ca-43fe172d538d'
)
// The server ends what still runs after the grace, and sends its last telemetry.
var closingSeconds = 20
var redisPort = 10000

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-${name}-${token}'
  location: location
}

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = if (!empty(registryName)) {
  name: registryName
}

resource appPullsImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(registryName)) {
  name: guid(resourceGroup().id, registryName, identity.id, acrPull)
  scope: registry
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: acrPull
  }
}

resource redis 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: 'redis-${token}'
  location: location
  sku: {
    name: redisSkuName
  }
  properties: {
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Enabled'
  }
}

// One endpoint for all keys: the server's scripts use several keys at once, which the cluster
// protocol of the OSS policy would spread over nodes.
resource database 'Microsoft.Cache/redisEnterprise/databases@2025-07-01' = {
  parent: redis
  name: 'default'
  properties: {
    accessKeysAuthentication: 'Disabled'
    clientProtocol: 'Encrypted'
    clusteringPolicy: 'EnterpriseCluster'
    evictionPolicy: 'NoEviction'
    port: redisPort
  }
}

resource appUsesRedis 'Microsoft.Cache/redisEnterprise/databases/accessPolicyAssignments@2025-07-01' = {
  parent: database
  name: 'agent'
  properties: {
    accessPolicyName: 'default'
    user: {
      objectId: identity.properties.principalId
    }
  }
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${token}'
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: logRetentionDays
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
  }
}

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' = {
  name: 'cae-${token}'
  location: location
  properties: {
    appLogsConfiguration: {
      // Logs go by the diagnostic setting below: Log Analytics itself would want its key here.
      destination: 'azure-monitor'
    }
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'logs'
  scope: environment
  properties: {
    workspaceId: workspace.id
    logs: [
      {
        category: 'ContainerAppConsoleLogs'
        enabled: true
      }
      {
        category: 'ContainerAppSystemLogs'
        enabled: true
      }
    ]
  }
}

resource app 'Microsoft.App/containerApps@2024-03-01' = {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    managedEnvironmentId: environment.id
    configuration: {
      activeRevisionsMode: 'Single'
      ingress: {
        external: true
        targetPort: 8088
        transport: 'http'
        allowInsecure: false
      }
      registries: empty(registryName) ? [] : [
        {
          server: split(image, '/')[0]
          identity: identity.id
        }
      ]
      secrets: [
        {
          name: 'api-key'
          value: apiKey
        }
        {
          name: 'insights'
          value: insights.properties.ConnectionString
        }
      ]
    }
    template: {
      terminationGracePeriodSeconds: shutdownGraceSeconds + closingSeconds
      containers: [
        {
          name: 'agent'
          image: image
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          env: concat([
            {
              name: 'VOICELIVE_AGENT'
              value: agent
            }
            {
              name: 'VOICELIVE_AGENT_API_KEY'
              secretRef: 'api-key'
            }
            {
              name: 'VOICELIVE_CONVERSATIONS'
              value: 'rediss://${redis.properties.hostName}:${redisPort}/0?auth=entra'
            }
            {
              // Which identity azure-identity takes.
              name: 'AZURE_CLIENT_ID'
              value: identity.properties.clientId
            }
            {
              name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
              secretRef: 'insights'
            }
            {
              name: 'VOICELIVE_SHUTDOWN_GRACE_SECONDS'
              value: string(shutdownGraceSeconds)
            }
            {
              // The ingress drops a stream on which nothing comes.
              name: 'SSE_KEEPALIVE_INTERVAL'
              value: '15'
            }
            {
              name: 'VOICELIVE_LOG_FORMAT'
              value: 'json'
            }
          ], settings)
          probes: [
            // The port and not the path, in this probe and in liveness: a server that drains, or
            // that has no Redis yet or any more, is not ready, and still must not be killed.
            {
              type: 'Startup'
              tcpSocket: {
                port: 8088
              }
              initialDelaySeconds: 2
              periodSeconds: 6
              // More are refused.
              failureThreshold: 10
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readiness'
                port: 8088
              }
              periodSeconds: 5
              failureThreshold: 2
            }
            {
              type: 'Liveness'
              tcpSocket: {
                port: 8088
              }
              periodSeconds: 10
              failureThreshold: 3
            }
          ]
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [
          {
            // A turn is one request for as long as it runs.
            name: 'active-turns'
            http: {
              metadata: {
                concurrentRequests: string(turnsPerReplica)
              }
            }
          }
        ]
      }
    }
  }
  dependsOn: [
    appUsesRedis
    appPullsImages
  ]
}

output AGENT_SERVER_URL string = 'https://${app.properties.configuration.ingress.fqdn}'
output REDIS_HOST string = redis.properties.hostName
output IDENTITY_PRINCIPAL_ID string = identity.properties.principalId
